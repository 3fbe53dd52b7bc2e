"""A FastAPI application with limits: for all of it, by default, for single routes and users.

Run it with `uvicorn examples.fastapi_app:app`, ask `/search` a few times, and look at `/docs`.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException

from tidegate import Decision
from tidegate.fastapi import RateLimit, TideGate

app = FastAPI(title="Limited")
gate = TideGate(app, "1000/minute", default="60/minute", per_ip=True)

TOKENS = {"token-of-ana": "ana", "token-of-bob": "bob"}


def signed_in(authorization: Annotated[str, Header()] = "") -> str:
    """The name of the user who sends a token."""
    user = TOKENS.get(authorization.removeprefix("Bearer "))
    if user is None:
        raise HTTPException(401, "send one of the tokens as a bearer")
    return user


def by_user(user: Annotated[str, Depends(signed_in)]) -> str:
    """Whom the limit of the router counts."""
    return f"user:{user}"


# One count for each user over all that the router has.
per_user = RateLimit("3/minute", key=by_user)
api = APIRouter(prefix="/api", dependencies=[Depends(per_user)])


@api.get("/search")
async def search(
    decision: Annotated[Decision, Depends(per_user)], q: str = ""
) -> dict[str, object]:
    """Searches, and tells how often the user may search yet."""
    return {"query": q, "left": decision.remaining}


@app.post("/login")
@gate.limit("5/minute")
def login() -> dict[str, str]:
    """Five attempts a minute for each address."""
    return {"token": next(iter(TOKENS))}


@app.get("/health")
@gate.exempt
def health() -> str:
    """Is asked by a load balancer, as often as it likes."""
    return "well"


app.include_router(api)
