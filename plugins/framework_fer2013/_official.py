"""The classes and splits of the challenge."""

CLASSES = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
USAGES = {"Training": "train", "PublicTest": "public_test", "PrivateTest": "private_test"}
