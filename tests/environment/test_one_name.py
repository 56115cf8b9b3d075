"""qntk brings one name, and lives beside folders that bear the names of its rooms."""

import queue
import shutil
import subprocess
import sys

import pytest
from environments import ROOT, build, run
from jupyter_client.manager import KernelManager

MODULES = (
    "import pkgutil, qntk; "
    "print('\\n'.join(sorted(m.name for m in pkgutil.walk_packages(qntk.__path__, 'qntk.', onerror=lambda n: None))))"
)
FOLDERS = ("theory", "sampling", "validation", "tests", "docs", "benchmarks", "reports", "examples")


@pytest.fixture
def project(tmp_path):
    """Somebody's own project, with names that the rooms of qntk have too."""
    for package in ("validation", "theory"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(f"MINE = {package!r}\n")
    (tmp_path / "sampling.py").write_text("MINE = 'sampling'\n")
    (tmp_path / "test_mine.py").write_text(
        "import sys\n"
        "import sampling, theory, validation\n\n"
        "def test_own():\n"
        "    assert [m.MINE for m in (theory, sampling, validation)] == ['theory', 'sampling', 'validation']\n"
        "    assert not {'numpy', 'scipy', 'qiskit'} & set(sys.modules)\n\n"
        "def test_fixture(qntk_seed):\n"
        "    import qntk.theory\n"
        "    assert qntk.theory.KernelLaw\n"
    )
    return tmp_path


def test_a_project_with_the_same_names_runs_its_tests(installed, project):
    """The plugin is there, and costs a test that does not use it neither numpy nor scipy nor qiskit."""
    quiet = {"PYTEST_ADDOPTS": "-p no:cacheprovider"}
    for command in (["pytest"], ["python", "-m", "pytest"]):
        done = installed.run(*command, "-q", cwd=project, env=quiet)
        assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_import_and_command_line_beside_the_same_names(installed, project):
    code = "import qntk.theory, qntk.sampling, theory, sampling; print(theory.MINE, qntk.theory.KernelLaw.__name__)"
    assert installed.python(code, cwd=project) == "theory KernelLaw"
    asked = ["predict", "--qubits", "2", "--params", "4", "--observable", "Z0", "--json"]
    by_name = installed.run("qntk", *asked, cwd=project, env={"PYTHONPATH": "."})
    by_module = installed.run("python", "-m", "qntk", *asked, cwd=project, env={"PYTHONPATH": "."})
    assert by_name.returncode == by_module.returncode == 0, by_name.stderr + by_module.stderr
    assert by_name.stdout == by_module.stdout != ""


def test_a_notebook_kernel_beside_the_same_names(installed, project):
    """A real kernel, started as Jupyter does, in the project's folder."""
    manager = KernelManager()
    manager.kernel_spec.argv[:] = [
        str(installed.path / "bin" / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}",
    ]  # fmt: skip
    manager.start_kernel(cwd=str(project), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        client.execute("import qntk.theory, theory; print(theory.MINE, qntk.theory.KernelLaw.__name__)")
        printed = []
        while not printed:
            message = client.get_iopub_msg(timeout=60)
            assert message["msg_type"] != "error", message["content"]
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])
        assert printed == ["theory KernelLaw\n"]
    except queue.Empty:
        pytest.fail("the kernel did not answer in a minute")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_no_folder_of_the_repository_can_be_imported(installed, tmp_path):
    """From an empty folder; negative control: from the repository's root some can."""
    code = (
        "import importlib.util\n"
        f"print([n for n in {FOLDERS!r} if (s := importlib.util.find_spec(n)) and 'site-packages' not in str(s)])"
    )
    assert installed.python(code, cwd=tmp_path) == "[]"
    assert "theory" in installed.python(code, cwd=ROOT)


def test_every_way_of_installing_holds_the_same_modules(installed, tmp_path):
    """As the tree has them; negative control: the list is long, and names modules of every room."""
    modules = installed.python(MODULES, cwd=tmp_path).splitlines()
    files = {p.relative_to(ROOT).with_suffix("").parts for p in (ROOT / "qntk").glob("*.py")}
    for room in ("inputs", "theory", "sampling", "validation"):
        files |= {
            ("qntk", *p.relative_to(ROOT / "qntk").with_suffix("").parts) for p in (ROOT / "qntk" / room).rglob("*.py")
        }
    expected = {".".join(parts).removesuffix(".__init__") for parts in files} - {"qntk"}
    assert set(modules) == expected
    assert len(modules) > 120


def test_a_checkout_without_symbolic_links_says_what_to_set(tmp_path):
    """Git then writes the link's target as a text file; negative control: the same copy with its links builds."""
    copy = tmp_path / "copy"
    ignore = shutil.ignore_patterns(".git", ".venv", "reports", "runs", "build", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, copy, symlinks=True, ignore=ignore)
    build("wheel", tmp_path / "good", copy)
    for room in ("theory", "sampling", "validation"):
        link = copy / "qntk" / room
        shutil.rmtree(link) if link.is_dir() and not link.is_symlink() else link.unlink()
        link.write_text(f"../{room}")
    for target in ("wheel", "sdist"):
        command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", tmp_path / "bad"]
        done = run(*command, cwd=copy)
        assert done.returncode != 0
        assert done.stderr.splitlines() == [
            "qntk cannot be installed from this checkout: qntk/theory is not the symbolic link that it should be; "
            "run 'git config core.symlinks true', then 'git checkout -- qntk'"
        ]
