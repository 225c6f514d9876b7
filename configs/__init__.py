"""WITH WHAT: applications, models, prices and settings, and the frozen models that check them."""
