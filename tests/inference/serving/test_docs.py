"""The examples of docs/serving.md."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[3] / "docs" / "serving.md").read_text(encoding="utf-8")
COMMANDS = re.search(r"^```sh curl\n(.*?)^```", PAGE, re.M | re.S)[1].splitlines()


@pytest.fixture
def ask(tmp_path, server, faces):
    """Run a command of the page against this server, in a folder with the images."""
    for name, content in faces.items():
        (tmp_path / f"{name}.png").write_bytes(content)

    def ask(command):
        words = shlex.split(command.replace("http://127.0.0.1:8000", server.url))
        done = subprocess.run([*words, "--silent", "--fail-with-body"], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    return ask


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_page_work(ask, command):
    assert ask(command)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_response_in_the_page_has_the_form_of_a_real_one(ask):
    written = json.loads(re.search(r"^```json response\n(.*?)^```", PAGE, re.M | re.S)[1])["images"][0]
    image = ask(COMMANDS[0])["images"][0]
    assert list(image) == list(written)
    assert image["class"] == written["class"]
    assert len(image["probabilities"]) == len(written["probabilities"])


def test_the_response_with_regions_in_the_page_has_the_form_of_a_real_one(detecting, two_faces):
    written = json.loads(re.search(r"^```json regions\n(.*?)^```", PAGE, re.M | re.S)[1])["images"][0]
    image = detecting.post("/predict?top=3", files={"image": ("party.jpg", two_faces["gray"].read_bytes())})
    (image,) = image.json()["images"]
    assert list(image) == list(written)
    assert list(image["regions"][0]) == list(written["regions"][0])


def test_the_page_lists_every_error_code():
    folder = Path(__file__).parents[3] / "framework" / "inference" / "serving"
    source = "".join(file.read_text(encoding="utf-8") for file in folder.glob("*.py"))
    codes = set(re.findall(r'(?:ApiError\(\d{3}, |return )"([a-z_]+)", ', source)) - {"refused"}
    assert len(codes) >= 12
    assert {code for code in codes if f"`{code}`" not in PAGE} == set()
