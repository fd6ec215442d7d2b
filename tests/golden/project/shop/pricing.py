"""Discounts and taxes."""

import math

import tariff
from tariff.rates import Rate, lookup

from .models import DEFAULT_CURRENCY, Order

DISCOUNTS = {"member": 0.05, "bulk": 0.1, "season": 0.15}


class PricingError(Exception):
    pass


class PriceList:
    def __init__(self, currency=DEFAULT_CURRENCY, discounts=None):
        self.currency = currency
        self.discounts = dict(discounts or DISCOUNTS)
        self._cache = {}

    def discount_for(self, order):
        discount = 0.0
        if order.customer.is_member:
            discount += self.discounts["member"]
        if sum(line.quantity for line in order.lines) > 100:
            discount += self.discounts["bulk"]
        return min(discount, 0.5)

    def net_price(self, order: Order):
        if order.currency != self.currency:
            raise PricingError("cannot convert %s to %s" % (order.currency, self.currency))
        if order.number not in self._cache:
            total = order.total()
            self._cache[order.number] = total * (1.0 - self.discount_for(order))
        return self._cache[order.number]

    def gross_price(self, order, country="DE"):
        rate = lookup(country)
        if rate is None:
            rate = Rate(country, tariff.STANDARD_RATE)
        return rounded(rate.apply(self.net_price(order)))


def rounded(amount, digits=2):
    factor = 10**digits
    return math.floor(amount * factor + 0.5) / factor


def cheapest(price_list, orders):
    prices = {order.number: price_list.net_price(order) for order in orders}
    return min(prices, key=prices.get)
