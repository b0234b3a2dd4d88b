"""The `aura` command: starts the system, and is a client of the running one.

`app.COMMANDS` lists the commands; each is a module that is loaded when it is called, so that `aura --help` is quick.
"""
