"""Watch the alarm inputs and mail what happens, as /config.json says."""

import app

app.run()
