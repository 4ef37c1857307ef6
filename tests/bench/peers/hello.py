"""A bare program with Typer and Rich, of two commands."""

import typer

app = typer.Typer(rich_markup_mode="rich")


@app.command()
def hello(name: str = "you", loud: bool = False) -> None:
    """Say hello."""
    typer.echo(f"Hello {name}{'!' if loud else ''}")


@app.command()
def goodbye(name: str = "you") -> None:
    """Say goodbye."""
    typer.echo(f"Goodbye {name}")


if __name__ == "__main__":
    app()
