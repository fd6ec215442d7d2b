"""What a shop knows of customers and orders."""

import datetime
from dataclasses import dataclass, field

DEFAULT_CURRENCY = "EUR"


@dataclass
class Customer:
    """Somebody who buys."""

    identifier: int
    name: str
    email: str = ""
    is_member: bool = False

    def greeting(self):
        title = self.name.title()
        return "Dear %s," % title

    @classmethod
    def from_row(cls, row):
        identifier, name, email = row[:3]
        return cls(identifier=int(identifier), name=name, email=email)


@dataclass
class OrderLine:
    product: str
    quantity: int
    unit_price: float

    @property
    def amount(self):
        return self.quantity * self.unit_price


@dataclass
class Order:
    number: str
    customer: Customer
    lines: list = field(default_factory=list)
    placed_at: datetime.datetime = None
    currency: str = DEFAULT_CURRENCY

    def add_line(self, product, quantity, unit_price):
        if quantity <= 0:
            raise ValueError("quantity must be positive, not %d" % quantity)
        line = OrderLine(product, quantity, unit_price)
        self.lines.append(line)
        return line

    def total(self):
        return sum(line.amount for line in self.lines)

    def is_empty(self):
        return not self.lines

    def products(self):
        return sorted({line.product for line in self.lines})
