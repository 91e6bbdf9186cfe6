"""The files of deploy/ and the Dockerfile, by tools that need no engine and no cluster."""

import json
import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
COMPOSE = sorted(DEPLOY.glob("compose*.yaml"))


def tool(name: str, why_not: str) -> str:
    """A program of this environment or of the machine."""
    path = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"
    found = shutil.which(name, path=path)
    if found is None:
        pytest.skip(f"no {name} here: {why_not}")
    return found


def told(*command: str | Path) -> str:
    """Run a checker; give what it says, which must not be a complaint."""
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def loaded(file: Path) -> dict:
    return yaml.safe_load(file.read_text("utf-8"))


def test_the_dockerfile_is_as_hadolint_wants_it() -> None:
    told(tool("hadolint", "its wheel is of this project's test group"), ROOT / "Dockerfile")


def test_the_image_gets_the_locked_packages_an_account_of_its_own_and_no_secret() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", text, re.MULTILINE)

    assert [name for _, name in stages][-2:] == ["cuda", "cpu"]
    assert all("uv sync --locked --no-dev" in line for line in re.findall("uv sync .*", text))
    assert "USER 10001:10001" in text
    assert "/health/ready" in text
    assert not re.search(r"(PASSWORD|SECRET|TOKEN|_KEY)=", text)
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    copied = {part for line in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE)
              for part in line.split()}  # fmt: skip
    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == copied


def test_the_compose_files_keep_to_the_specification() -> None:
    told(
        tool("check-jsonschema", "its wheel is of this project's test group"),
        "--builtin-schema", "vendor.compose-spec", *COMPOSE,
    )  # fmt: skip


def test_every_container_is_closed_limited_watched_and_named_by_its_version() -> None:
    overlays = loaded(DEPLOY / "compose.workers.yaml")["services"]
    added = {name: overlays[name] for name in ("nats", "worker")}

    for name, service in (loaded(DEPLOY / "compose.yaml")["services"] | added).items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert re.search(r"^alfavoice:|:v?\d+\.\d+", service["image"]), name
        if name != "models":  # it ends by itself
            assert service["restart"] == "unless-stopped", name
            assert {"mem_limit", "pids_limit"} <= set(service), name
            # The service's own health check is the image's.
            assert "healthcheck" in service or service["image"] == "alfavoice:cpu", name


def test_what_the_compose_files_mount_is_there() -> None:
    made = {"./nginx/tls"}  # and everything in secrets/: what the operator puts there
    mounts = [
        volume.split(":")[0]
        for file in COMPOSE
        for service in loaded(file)["services"].values()
        for volume in service.get("volumes", [])
    ]

    missing = [
        mount
        for mount in mounts
        if mount.startswith(".") and mount not in made and not (DEPLOY / mount).exists()
    ]
    assert missing == []


def test_secrets_are_made_once_and_are_what_the_compose_file_wants(tmp_path: Path) -> None:
    told(DEPLOY / "make-secrets.sh", tmp_path)
    before = {file.name: file.read_text() for file in tmp_path.iterdir()}
    told(DEPLOY / "make-secrets.sh", tmp_path)

    wanted = {name for file in COMPOSE for name in loaded(file).get("secrets", {})}
    assert set(before) == wanted
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == before
    assert before["alfavoice_password"] in before["alfavoice_database_url"]
    for closed in (tmp_path, tmp_path / "master.key"):
        assert closed.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("overlay", ["base", "gpu"])
def test_kubernetes_takes_the_manifests(overlay: str, tmp_path: Path) -> None:
    kubectl = tool("kubectl", "it builds what Kustomize puts together")
    validate = tool("kubernetes-validate", "its wheel is of this project's test group")
    whole = tmp_path / "all.yaml"
    whole.write_text(told(kubectl, "kustomize", KUBERNETES / overlay))

    told(validate, "--strict", whole)

    kinds = {thing["kind"]: thing for thing in yaml.safe_load_all(whole.read_text())}
    assert {"PodDisruptionBudget", "HorizontalPodAutoscaler", "NetworkPolicy"} <= set(kinds)
    (pod,) = [kinds["Deployment"]["spec"]["template"]["spec"]]
    for container in pod["containers"] + pod["initContainers"]:
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    gpus = pod["containers"][0]["resources"]["limits"].get("nvidia.com/gpu")
    assert gpus == ("1" if overlay == "gpu" else None)


def test_workers_in_a_cluster_are_asked_how_they_are_where_they_say_it(tmp_path: Path) -> None:
    kubectl = tool("kubectl", "it builds what Kustomize puts together")
    validate = tool("kubernetes-validate", "its wheel is of this project's test group")
    whole = tmp_path / "all.yaml"
    whole.write_text(told(kubectl, "kustomize", KUBERNETES / "workers"))

    told(validate, "--strict", whole)

    things = list(yaml.safe_load_all(whole.read_text()))
    pods = {
        thing["metadata"]["name"]: thing["spec"]["template"]
        for thing in things
        if thing["kind"] == "Deployment"
    }
    assert set(pods) == {"alfavoice", "alfavoice-worker", "alfavoice-nats"}
    for pod in pods.values():
        for container in pod["spec"]["containers"] + pod["spec"].get("initContainers", []):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert re.search(r"^registry.example.org/alfavoice:|:\d+\.\d+", container["image"])
    (worker,) = pods["alfavoice-worker"]["spec"]["containers"]
    settings = {one["name"]: one["value"] for one in worker["env"]}
    (port,) = worker["ports"]
    assert settings["ALFAVOICE_WORKER_METRICS"] == f"0.0.0.0:{port['containerPort']}"
    annotated = pods["alfavoice-worker"]["metadata"]["annotations"]["prometheus.io/port"]
    assert annotated == str(port["containerPort"])
    probes = [worker[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")]
    assert [probe["port"] for probe in probes] == [port["name"]] * 3
    assert [probe["path"] for probe in probes] == ["/health/ready"] * 2 + ["/health/live"]
    # What a worker has it does not need of the service: no database, no master key.
    assert "ALFAVOICE_DATABASE_URL" not in str(pods["alfavoice-worker"])
    assert "master" not in str(pods["alfavoice-worker"])
    (services,) = [t for t in things if t["kind"] == "ConfigMap" and "ALFAVOICE_QUEUE" in t["data"]]
    assert services["data"]["ALFAVOICE_NATS_URL"] == settings["ALFAVOICE_NATS_URL"]


def test_the_ingress_lets_every_file_of_the_page_through_and_no_metrics() -> None:
    ingress = yaml.safe_load((DEPLOY / "kubernetes" / "base" / "ingress.yaml").read_text())
    paths = ingress["spec"]["rules"][0]["http"]["paths"]
    exact = {path["path"] for path in paths if path["pathType"] == "Exact"}
    public = {f"/{file.name}" for file in (DEPLOY.parent / "client_tauri" / "public").iterdir()}
    assert exact == {"/", "/index.html", "/worker.js", *public}
    prefixes = {path["path"] for path in paths if path["pathType"] == "Prefix"}
    assert prefixes == {"/v1", "/health", "/welcome", "/assets"}


@pytest.mark.parametrize("place", ["nats", "kubernetes/workers"])
def test_nats_takes_its_configuration(place: str, tmp_path: Path) -> None:
    secrets, folder = tmp_path / "run" / "secrets", tmp_path / "etc" / "nats"
    folder.mkdir(parents=True)
    told(DEPLOY / "make-secrets.sh", secrets)
    shutil.copy(DEPLOY / place / "nats.conf", folder)

    told(
        tool("nats-server", "its wheel is of this project's test group"),
        "-t", "-c", folder / "nats.conf",
    )  # fmt: skip


def test_the_autoscaler_asks_for_the_metric_that_the_adapter_makes() -> None:
    (rule,) = loaded(KUBERNETES / "prometheus_adapter.yaml")["rules"]["custom"]
    (metric,) = loaded(KUBERNETES / "base" / "autoscaler.yaml")["spec"]["metrics"]

    assert metric["pods"]["metric"]["name"] == rule["name"]["as"]


@pytest.mark.parametrize("name", ["alfavoice.service", "alfavoice-worker.service"])
def test_systemd_takes_the_unit_and_finds_it_closed(name: str, tmp_path: Path) -> None:
    analyze = tool("systemd-analyze", "it is part of systemd")
    unit = tmp_path / name
    text = (DEPLOY / "systemd" / name).read_text("utf-8")
    unit.write_text(text.replace("/opt/alfavoice/bin/alfavoice", "/bin/true"))

    told(analyze, "verify", unit)

    rating = told(analyze, "security", "--offline=true", "--json=off", unit)
    found = re.search(rf"exposure level for {name}: (\d+\.\d+)", rating)
    assert found, rating
    assert float(found[1]) <= 2.0


def test_every_setting_that_deploy_names_is_one() -> None:
    example = (ROOT / ".env.example").read_text("utf-8")
    known = set(re.findall(r"^#(ALFAVOICE_[A-Z0-9_]+)=", example, re.MULTILINE))
    known |= {"ALFAVOICE_MAX_", "ALFAVOICE_PUBLIC_URL"}  # a group of them; deploy/.env

    for file in [ROOT / "Dockerfile", *(f for f in DEPLOY.rglob("*") if f.is_file())]:
        named = set(re.findall(r"ALFAVOICE_[A-Z0-9_]+", file.read_text("utf-8", "replace")))
        assert named <= known, file


def test_grafana_is_given_dashboards_that_are_json() -> None:
    boards = sorted((ROOT / "monitoring" / "dashboards").glob("*.json"))

    assert boards
    assert all(json.loads(board.read_text("utf-8"))["panels"] for board in boards)
