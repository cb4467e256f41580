"""Watch the alarm inputs and mail what happens, as /config.json says; finish an update before."""

import os

if "update.mpy" in os.listdir("/"):
    import update

    update.run()

import app

app.run()
