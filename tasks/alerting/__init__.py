"""From a finding to somebody's screen: told once, counted while it lasts, told again when it is over."""
