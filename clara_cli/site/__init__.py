"""Where jobs run: this machine, or the platform that `--host` names. Commands call one interface, whichever it is."""
