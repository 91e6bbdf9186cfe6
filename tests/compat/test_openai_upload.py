"""Uploaded files on disk."""

import random

from service.compat.openai_rest_upload import Upload


def test_what_was_written_is_read_back_from_any_place() -> None:
    rng = random.Random(1)
    data = rng.randbytes(100_000)
    with Upload() as upload:
        position = 0
        while position < len(data):
            length = rng.randint(1, 9_000)
            upload.write(data[position : position + length])
            position += length

        assert upload.size == len(data)
        for _ in range(200):
            first, length = rng.randint(0, len(data)), rng.randint(1, 5_000)
            assert upload.read(first, length) == data[first : first + length]
        assert upload.read(len(data) + 5, 10) == b""


def test_nothing_of_it_can_be_read_on_the_disk() -> None:
    with Upload() as upload:
        upload.write(b"a secret said aloud" * 100)
        upload._file.seek(0)

        assert b"secret" not in upload._file.read()
