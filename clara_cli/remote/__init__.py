"""A platform on another machine as the place where jobs run. Loaded only when `--host` names one."""
