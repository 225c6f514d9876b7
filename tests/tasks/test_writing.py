import pytest

from configs.errors import DataError
from tasks.writing import write_whole


def test_a_file_is_written_into_a_folder_that_is_made(tmp_path):
    write_whole(tmp_path / "new" / "file", b"one")
    write_whole(tmp_path / "new" / "file", b"two")
    assert (tmp_path / "new" / "file").read_bytes() == b"two"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file"]


def test_where_it_cannot_be_written_what_was_there_stays(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match="cannot be written") as error:
        write_whole(tmp_path / "folder", b"over a folder")
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
