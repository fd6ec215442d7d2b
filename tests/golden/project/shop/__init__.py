"""Orders, their prices and reports about them."""

from .models import Customer, Order
from .store import Store

__all__ = ["Customer", "Order", "Store"]
