"""The plant's TOML file -> the boards that it describes, and the configuration of each.

plant = read_plant(Path("plant.toml"))  # or BadFileError, whose `lines` tell every fault
for name, device in plant.devices.items():
    print(name, device.board, json.dumps(config(plant, name), ensure_ascii=False))
"""

from host_tools.plant.model import Device, Plant, config, read_plant
from host_tools.toml_file import BadFileError

__all__ = ["BadFileError", "Device", "Plant", "config", "read_plant"]
