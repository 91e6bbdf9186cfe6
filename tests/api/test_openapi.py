"""The OpenAPI document keeps its word: thousands of generated calls, each answered as it says.

How many is `ALFAVOICE_FUZZ_EXAMPLES` an operation; `make fuzz` makes some 20,000 calls.
"""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

EXAMPLES = int(os.environ.get("ALFAVOICE_FUZZ_EXAMPLES", "4"))
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
COUNTED = re.compile(r"(\d+) generated, (\d+) passed")
COMMAND = Path(sys.executable).with_name("schemathesis")


@pytest.mark.timeout(1800)
async def test_every_generated_call_is_answered_as_the_document_says(start_server, tmp_path):
    """Without logins everything is allowed, so every route is reached with every right."""
    async with start_server() as server:
        process = await asyncio.create_subprocess_exec(
            COMMAND, "run", f"{server.url}/openapi.json",
            "--checks", ",".join(CHECKS),
            "--phases", "examples,coverage,fuzzing",
            "--max-examples", str(EXAMPLES),
            "--workers", "1",  # the tool parses lambdas, which breaks in two threads of Python 3.11
            "--exclude-path-regex", "/events$",  # streams without an end
            "--request-timeout", "20",
            "--suppress-health-check", "all",
            "--continue-on-failure",
            "--no-color",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=tmp_path,
        )  # fmt: skip
        output = (await process.communicate())[0].decode()

    counted = COUNTED.search(output)
    assert counted is not None, output[-3000:]
    assert process.returncode == 0, output[-6000:]
    assert int(counted[1]) == int(counted[2]) > 200 * EXAMPLES, counted[0]
    print(counted[0])  # noqa: T201 - for `make fuzz`, which shows what is printed
