"""The shop of the serving tests, which is watched here."""

import importlib.util
from pathlib import Path

_spec = importlib.util.spec_from_file_location("served_shop", Path(__file__).parents[1] / "serving" / "conftest.py")
_serving = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_serving)

upstream, make_shop, shop, open_shop = _serving.upstream, _serving.make_shop, _serving.shop, _serving.open_shop
