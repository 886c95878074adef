"""Many HTTP requests at once, each over a connection of its own, and when each was answered."""

import asyncio
import dataclasses
import json
import resource
import time

from herdlab.client import Reply

AT_MOST = 60  # Seconds for one answer.


@dataclasses.dataclass
class Answer:
    reply: Reply
    ended: float

    @property
    def refused(self):
        return self.reply.status in (429, 503)


def verb(action, **fields):
    return "POST", "/", json.dumps({"action": action, **fields})


def allow_descriptors(count):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))


async def ask(agent, method, target, body=""):
    """One request over a new connection."""
    reader, writer = await asyncio.open_connection(agent.address, agent.port)
    try:
        head = (f"{method} {target} HTTP/1.1\r\nHost: {agent.address}\r\nConnection: close\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n")
        writer.write(head.encode() + body.encode())
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(), AT_MOST)
    finally:
        writer.close()
    ended = time.monotonic()
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return Answer(Reply(int(status.split()[1]), headers, body), ended)


def offer(*requests):
    """All at once; each is (agent, method, target, body). Answers in their order."""
    async def all_of_them():
        return await asyncio.gather(*[ask(*request) for request in requests])

    return asyncio.run(all_of_them())


def offer_for(seconds, clients, next_request):
    """So many clients, each of which asks again as soon as it has its answer, or a moment after a
    refusal. next_request(number of the client) says what; returns [(what was said, answer)]."""
    end = time.monotonic() + seconds
    answers = []

    async def client(number):
        while time.monotonic() < end:
            kind, request = next_request(number)
            answer = await ask(*request)
            answers.append((kind, answer))
            if answer.refused:
                await asyncio.sleep(0.2)

    async def all_of_them():
        await asyncio.gather(*[client(number) for number in range(clients)])

    asyncio.run(all_of_them())
    return answers
