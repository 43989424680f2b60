"""A report by pandas and numpy over rows of the event; the frame of Init is in the snapshot."""

import numpy
import pandas

PRICES = pandas.DataFrame({"item": ["a", "b", "c"], "price": [1.5, 2.0, 4.25]}).set_index("item")


def handler(event, _context):
    orders = pandas.DataFrame(event["orders"])
    joined = orders.join(PRICES, on="item")
    joined["cost"] = joined["count"] * joined["price"]
    by_item = joined.groupby("item")["cost"].sum()
    return {
        "total": float(joined["cost"].sum()),
        "byItem": {str(key): float(value) for key, value in by_item.items()},
        "draw": float(numpy.random.default_rng().random()),
    }
