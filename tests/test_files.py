"""Atomic writing of files."""

import pytest
from safetensors.numpy import save_file

from framework.errors import RunFailed
from framework.files import replace_atomically


@pytest.mark.parametrize("write", [lambda path: save_file({}, path / "x"), lambda path: (path / "x").write_text("")])
def test_a_failed_write_is_a_user_error_and_leaves_no_file(write, tmp_path):
    with pytest.raises(RunFailed, match=r"cannot write .*weights\.safetensors: "):
        replace_atomically(tmp_path / "weights.safetensors", write)
    assert list(tmp_path.iterdir()) == []
