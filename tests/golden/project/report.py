"""Prints what was sold: python report.py STORE."""

import argparse
import sys

import shop.pricing as pricing
from shop import Customer, Order, Store
from shop.models import OrderLine


class Report:
    columns = ["customer", "orders", "amount"]

    def __init__(self, store):
        self.store = store
        self.rows = []

    def collect(self):
        for customer in self.store.customers.values():
            orders = self.store.orders_of(customer)
            amount = sum(self.store.price_list.net_price(order) for order in orders)
            self.rows.append({"customer": customer.name, "orders": len(orders), "amount": amount})
        self.rows.sort(key=lambda row: row["amount"], reverse=True)
        return self

    def write(self, stream=sys.stdout):
        stream.write("\t".join(self.columns) + "\n")
        for row in self.rows:
            stream.write("\t".join(str(row[column]) for column in self.columns) + "\n")


def example():
    customer = Customer(1, "ada", is_member=True)
    order = Order("A-1", customer)
    order.add_line("pencil", quantity=120, unit_price=0.5)
    line = OrderLine("paper", 3, 4.25)
    order.lines.append(line)
    price_list = pricing.PriceList()
    price = pricing.rounded(price_list.net_price(order))
    assert price < order.total(), price
    return order


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", help="a JSON file")
    parser.add_argument("--example", action="store_true")
    arguments = parser.parse_args()
    store = Store(arguments.store).load()
    if arguments.example:
        store.add_order(example())
    Report(store).collect().write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
