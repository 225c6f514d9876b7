"""How many rows an app's gates and questions take, before they are asked."""
