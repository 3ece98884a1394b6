"""Numbers that the prose quotes: formatted first, then glued, so that the page shows what the code found."""


def say(key, value, fmt=""):
    """Glues `format(value, fmt)` under `key`; the prose quotes it as {glue:text}`key`.

    value   a number, a scalar array or a word; a size-one array of NumPy or JAX counts as its number
    raises  ValueError for an empty text, which a reader would take for a gap in the page
    """
    from myst_nb import glue

    text = format(value.item() if hasattr(value, "item") else value, fmt)
    if not text.strip():
        raise ValueError(f"{key}: nothing to say")
    glue(key, text, display=False)
