"""Where orders are kept."""

import json
import logging
import os
from collections import defaultdict

from .models import Customer, Order
from .pricing import PriceList, PricingError

logger = logging.getLogger(__name__)


class Store:
    def __init__(self, path, price_list=None):
        self.path = path
        self.price_list = price_list or PriceList()
        self.customers = {}
        self.orders = []
        self.by_customer = defaultdict(list)

    def load(self):
        if not os.path.exists(self.path):
            logger.warning("no store at %s", self.path)
            return self
        with open(self.path, encoding="utf-8") as handle:
            data = json.load(handle)
        for row in data["customers"]:
            self.add_customer(Customer.from_row(row))
        for entry in data.get("orders", []):
            customer = self.customers[entry["customer"]]
            order = Order(entry["number"], customer)
            for product, quantity, unit_price in entry["lines"]:
                order.add_line(product, quantity, unit_price)
            self.add_order(order)
        return self

    def add_customer(self, customer):
        self.customers[customer.identifier] = customer

    def add_order(self, order):
        self.orders.append(order)
        self.by_customer[order.customer.identifier].append(order)

    def orders_of(self, customer):
        return list(self.by_customer[customer.identifier])

    def revenue(self):
        revenue = 0.0
        for order in self.orders:
            try:
                revenue += self.price_list.gross_price(order)
            except PricingError as error:
                logger.error("order %s has no price: %s", order.number, error)
        return revenue

    def save(self):
        rows = [
            {"number": order.number, "customer": order.customer.identifier}
            for order in self.orders
            if not order.is_empty()
        ]
        temporary = self.path + ".new"
        with open(temporary, "w", encoding="utf-8") as handle:
            json.dump({"orders": rows}, handle, indent=2)
        os.replace(temporary, self.path)
