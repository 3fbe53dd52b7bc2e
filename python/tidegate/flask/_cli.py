"""`flask tidegate`: what is limited, how it is set up, what is missing, and a key reset."""
from __future__ import annotations
import click
group = click.Group("tidegate", help="Shows and checks the limits of this application.")
