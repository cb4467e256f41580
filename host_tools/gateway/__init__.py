"""The mail gateway: a Postfix between boards that speak plain SMTP and a provider with TLS.

`model` reads the plant's TOML file, `settings` makes Postfix's configuration from it, `render`
writes the folder to install, `trial` shows it at work, `check` probes it, `watch` looks after it.

What runs on the gateway itself (`facts`, `check` with its probes, `watch`) needs Python's standard
library and Bottle only, and travels as one file; see `bundle`.
"""
