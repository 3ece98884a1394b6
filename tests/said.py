"""What a command left behind: its JSON and its one line of bad news."""

import json


def strict(path):
    """The record, refusing NaN and Infinity, which are no JSON."""

    def refuse(name):
        raise AssertionError(f"{name} in {path.name}")

    return json.loads(path.read_text(), parse_constant=refuse)


def one_line(capsys):
    """The only line on stderr, nothing on stdout."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("smilebridge: ")
    assert err.count("\n") == 1, err
    return err
