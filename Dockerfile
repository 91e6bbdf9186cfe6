# AlfaVoice as a container image, from this folder and nothing else:
#
#   docker build --target cpu  -t alfavoice:cpu .
#   docker build --target cuda -t alfavoice:cuda .
#
# The Python packages are exactly those of uv.lock. Base images are named by version, not by digest:
# pin them with `docker buildx imagetools inspect` where images are built (docs/deployment.md).

ARG PYTHON_IMAGE=python:3.13.9-slim-bookworm
ARG UV_IMAGE=ghcr.io/astral-sh/uv:0.13.9
ARG NODE_IMAGE=node:22.12.0-bookworm-slim

# hadolint ignore=DL3006
FROM ${UV_IMAGE} AS uv

# ---- the client's browser build, which the service serves at /
# hadolint ignore=DL3006
FROM ${NODE_IMAGE} AS web
WORKDIR /src
COPY client_tauri/package.json client_tauri/package-lock.json client_tauri/.npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts
COPY client_tauri/index.html client_tauri/svelte.config.js client_tauri/tsconfig.json client_tauri/vite.config.ts ./
COPY client_tauri/bundling bundling
COPY client_tauri/public public
COPY client_tauri/src src
RUN npm run build:web

# ---- the packages, in one virtual environment that is copied as it is
# hadolint ignore=DL3006
FROM ${PYTHON_IMAGE} AS packages
COPY --from=uv /uv /usr/local/bin/uv
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never \
    UV_PROJECT_ENVIRONMENT=/opt/alfavoice
WORKDIR /src
# Before the source, so that a changed line of ours does not fetch 800 MB again.
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-dev --extra whisper-base --no-install-project
COPY README.md LICENSE ./
COPY service service
COPY workers workers
COPY models models
COPY --from=web /src/dist-web service/web
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-dev --extra whisper-base --no-editable

# ---- CTranslate2 looks for the libraries of CUDA 12 itself; the wheels of NVIDIA bring them
FROM packages AS packages-cuda
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip install --python /opt/alfavoice/bin/python \
        "nvidia-cublas-cu12==12.9.3.13" "nvidia-cudnn-cu12==9.27.0.42" \
        "nvidia-cuda-runtime-cu12==12.9.79"

# ---- what runs: no compiler, no uv, no source beside the installed packages
# hadolint ignore=DL3006
FROM ${PYTHON_IMAGE} AS runtime
RUN groupadd --gid 10001 alfavoice \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/alfavoice \
        --shell /usr/sbin/nologin alfavoice \
    && install -d -o alfavoice -g alfavoice -m 700 /var/lib/alfavoice
ENV PATH=/opt/alfavoice/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ALFAVOICE_HOST=0.0.0.0 \
    ALFAVOICE_PORT=8765 \
    ALFAVOICE_DATA_DIR=/var/lib/alfavoice \
    ALFAVOICE_LOGIN=required \
    ALFAVOICE_LOG_FORMAT=json
WORKDIR /var/lib/alfavoice
VOLUME /var/lib/alfavoice
EXPOSE 8765
USER 10001:10001
# The drain is ended by the supervisor only after it: compose.yaml and deploy/kubernetes give it 45 s.
STOPSIGNAL SIGTERM
# Loading the model takes half a minute on a slow disk; until then the probe may fail.
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import sys, urllib.request; sys.exit(urllib.request.urlopen('http://127.0.0.1:8765/health/ready', timeout=4).status != 200)"]
ENTRYPOINT ["alfavoice"]
CMD ["serve"]

FROM runtime AS cuda
COPY --from=packages-cuda /opt/alfavoice /opt/alfavoice
ENV ALFAVOICE_DEVICE=cuda \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    LD_LIBRARY_PATH=/opt/alfavoice/lib/python3.13/site-packages/nvidia/cublas/lib:/opt/alfavoice/lib/python3.13/site-packages/nvidia/cudnn/lib:/opt/alfavoice/lib/python3.13/site-packages/nvidia/cuda_runtime/lib

# Last: what `docker build` makes when no target is named.
FROM runtime AS cpu
COPY --from=packages /opt/alfavoice /opt/alfavoice
ENV ALFAVOICE_DEVICE=cpu
