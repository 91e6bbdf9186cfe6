"""The recordings of real speech for every test that needs them; mark it `shared`.

Without them such a test skips loudly; where ALFAVOICE_REQUIRE promises them, it fails.
"""

import pytest

from benchmarks.speech import Clip, load_clips, recordings_folder


def real_clips(*groups: str) -> list[Clip]:
    """Every referenced clip of these groups; of all when none is named."""
    if not recordings_folder().is_dir():
        pytest.skip("NO RECORDINGS: put them beside the checkout or set ALFAVOICE_SHARED")
    return [clip for clip in load_clips() if not groups or clip.group in groups]
