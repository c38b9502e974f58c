"""What the challenge fixed: the classes, and which images are for what."""

CLASSES = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
USAGES = {"Training": "train", "PublicTest": "public_test", "PrivateTest": "private_test"}
