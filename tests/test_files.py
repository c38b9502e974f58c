"""Files that are written whole or not at all."""

import pytest
from safetensors.numpy import save_file

from framework.errors import RunFailed
from framework.files import replace_atomically


@pytest.mark.parametrize("write", [lambda path: save_file({}, path / "x"), lambda path: (path / "x").write_text("")])
def test_what_the_system_refuses_is_an_error_for_people_and_leaves_nothing(write, tmp_path):
    with pytest.raises(RunFailed, match=r"cannot write .*weights\.safetensors: "):
        replace_atomically(tmp_path / "weights.safetensors", write)
    assert list(tmp_path.iterdir()) == []
