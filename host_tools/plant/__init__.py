"""The plant's TOML file -> the boards that it describes, and the configuration of each.

`read_plant(path)` gives a `Plant`, or raises `BadFileError`, whose `lines` tell every fault.
`plant.devices` has a `Device` with `name` and `board` by each name, and `config(plant, name)` is
the content of its `config.json`.
"""

from host_tools.plant.model import Device, Plant, config, read_plant
from host_tools.toml_file import BadFileError

__all__ = ["BadFileError", "Device", "Plant", "config", "read_plant"]
