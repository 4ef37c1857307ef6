"""The one door through which plans run: `total`, `collect`, `write`."""
