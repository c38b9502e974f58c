"""Models of OpenVINO. torch is imported when a graph is written or loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework import Export, RunFailed, UserError

if TYPE_CHECKING:
    from torch import Tensor

KEY = "framework_export"
"""The entry of the model's information (`rt_info`) that has the texts."""
OUTPUTS = ("probabilities", "logits")


def write(export: Export, path: Path, *, half: bool) -> None:
    """Write FILE.xml and FILE.bin; raises `RunFailed` if the network cannot be translated."""
    import openvino

    program = export.program
    try:
        model = openvino.convert_model(program)
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise RunFailed(
            f"OpenVINO cannot translate this network: {first}\n    --format pt2 needs no translation"
        ) from None
    model.inputs[0].set_names({"images"})
    model.inputs[0].get_node().set_partial_shape(openvino.PartialShape([-1, 3, -1, -1]))
    for output, name in zip(model.outputs, OUTPUTS, strict=True):
        output.set_names({name})
    model.validate_nodes_and_infer_types()
    for name, text in export.texts.items():
        model.set_rt_info(text, [KEY, name])
    openvino.save_model(model, str(path), compress_to_fp16=half)


def read_model(path: Path) -> Any:
    """The model in the file; raises `UserError` if OpenVINO is missing or cannot read it."""
    try:
        import openvino
    except ImportError:
        raise UserError("OpenVINO files need openvino: pip install 'framework[openvino]'") from None
    if not path.with_suffix(".bin").is_file():
        raise UserError(
            f"{path}: its weights, '{path.with_suffix('.bin').name}', are missing; keep both files together"
        )
    try:
        return openvino.Core().read_model(str(path))
    except Exception as error:
        first = (str(error).strip().splitlines() or [""])[0]
        raise UserError(
            f"{path}: damaged, or not a model that openvino {openvino.__version__} can load: {first}"
        ) from None


def texts(model: Any) -> dict[str, str]:
    """The texts of the export; empty if there are none."""
    if not model.has_rt_info([KEY]):
        return {}
    return {name: value.astype(str) for name, value in model.get_rt_info([KEY]).astype(dict).items()}


def graph(model: Any) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """Images to probabilities and logits."""
    import openvino
    import torch

    # By default it may compute in bfloat16, which changes probabilities.
    compiled = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def compute(images: Tensor) -> tuple[Tensor, Tensor]:
        outputs = compiled(images.numpy())
        probabilities, logits = (torch.from_numpy(outputs[name].copy()) for name in OUTPUTS)
        return probabilities, logits

    return compute
