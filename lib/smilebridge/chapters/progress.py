"""Says which chapters are running: live on a terminal, one plain line each elsewhere."""

from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


@contextmanager
def watching(names):
    """A `watch(event, name)` for `execute`; the lines it draws vanish when the run is over."""
    console = Console()
    if not console.is_terminal:
        yield lambda event, name: console.print(f"  {name} ...", highlight=False) if event == "start" else None
        return
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as bars:
        running, total = {}, bars.add_task("chapters", total=None)

        def watch(event, name):
            if event == "start":
                running[name] = bars.add_task(name, total=None)
                bars.update(total, total=len(running))
            else:
                bars.remove_task(running[name])
                bars.advance(total)

        yield watch
