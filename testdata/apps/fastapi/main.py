from datetime import date
from zoneinfo import ZoneInfo

from fastapi import FastAPI
from pydantic import BaseModel, Field

app = FastAPI()


class Order(BaseModel):
    name: str
    amount: int = Field(gt=0)
    day: date


@app.get("/")
async def index():
    return {"zone": str(ZoneInfo("Europe/Berlin"))}


@app.post("/orders")
async def order(order: Order):
    return {"name": order.name, "weekday": order.day.strftime("%A"), "amount": order.amount}
