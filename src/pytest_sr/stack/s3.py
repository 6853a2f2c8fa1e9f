"""S3 from SeaweedFS: `weed mini`, with a signed front door, on the loopback only.

Left alone it would bind every interface, report to its makers and let anyone read and
remove objects through its filer. The flags and the JWT keys below see to that. All
flags are given at every start, since it remembers those of the last one.

One inner door stays open to this machine: its master, whose white list would shut out
its own volume server too. Who finds the master's port can drop the data of a bucket,
object locks or not. So what is stored here is as safe as the processes of this machine
are honest: right for a test, wrong for a deployment.
"""

import io
import json
import signal
from pathlib import Path
from secrets import token_hex
from typing import Final

from pytest_sr.stack.accounts import current
from pytest_sr.stack.addresses import S3Address, S3Keys
from pytest_sr.stack.plan import Launch, Plan, expect
from pytest_sr.stack.ports import LOOPBACK, PortBook

REGION: Final = "us-east-1"
ADMIN_RIGHTS: Final = ("Admin", "Read", "List", "Tagging", "Write")
APP_RIGHTS: Final = ("Read", "List", "Tagging", "Write")

_KEYS: Final = (
    "WEED_JWT_SIGNING_KEY",
    "WEED_JWT_FILER_SIGNING_KEY",
    "WEED_JWT_FILER_SIGNING_READ_KEY",
    "WEED_S3_SSE_KEY",
)
_PROBE_S: Final = 5.0


def plan(program: Path, directory: Path, ports: PortBook) -> Plan[S3Address]:
    """Return how to run a server that keeps its objects below `directory`."""
    served = {name: ports.take() for name in ("master", "volume", "filer", "s3")}
    grpc = {name: ports.take_weed_grpc() for name in served}
    served["admin"], grpc["admin"] = ports.take_weed_admin()
    address = S3Address(
        endpoint=f"{LOOPBACK}:{served['s3']}",
        region=REGION,
        admin=_fresh_keys(),
        app=_fresh_keys(),
    )
    (directory / "data").mkdir(exist_ok=True)
    identities = directory / "s3.json"
    identities.touch(mode=0o600)
    identities.write_text(_identities(address), encoding="utf-8")
    return Plan(
        launch=Launch(
            argv=(str(program), *_flags(served, grpc)),
            directory=directory,
            environment={
                "PATH": "/usr/bin:/bin",
                "HOME": str(directory),
                **{name: token_hex(32) for name in _KEYS},
            },
            account=current(),
            stop_signal=signal.SIGTERM,
        ),
        address=address,
        port=served["s3"],
        probe=lambda: probe(address),
        weed_grpc_ports=tuple(grpc.values()),
    )


def probe(address: S3Address) -> None:
    """Write, read and remove an object as `app`, in a bucket of `admin`'s."""
    import urllib3  # noqa: PLC0415 - only who probes needs the driver
    from minio import Minio  # noqa: PLC0415 - only who probes needs the driver

    pool = urllib3.PoolManager(timeout=_PROBE_S, retries=False)
    admin, app = (
        Minio(
            address.endpoint,
            access_key=keys.access_key,
            secret_key=keys.secret_key,
            region=address.region,
            secure=False,
            http_client=pool,
        )
        for keys in (address.admin, address.app)
    )
    bucket = f"probe-{token_hex(4)}"
    admin.make_bucket(bucket)
    try:
        app.put_object(bucket, "probe", io.BytesIO(b"probe"), length=5)
        read = app.get_object(bucket, "probe")
        expect(read.data == b"probe", that="an object is what was written")
        read.release_conn()
        app.remove_object(bucket, "probe")
    finally:
        admin.remove_bucket(bucket)
        pool.clear()


def _flags(served: dict[str, int], grpc: dict[str, int]) -> list[str]:
    return [
        "-logtostderr=true",
        "mini",
        "-dir=data",
        f"-ip={LOOPBACK}",
        f"-ip.bind={LOOPBACK}",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=64",
        "-volume.preStopSeconds=0",
        "-webdav=false",
        "-admin.ui=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.config=s3.json",
        "-s3.allowDeleteBucketNotEmpty=false",
        "-s3.autoCreateBucket=false",
        "-s3.localSocket=s3.sock",  # relative: the path of a socket must be short
        "-filer.localSocket=filer.sock",
        *(f"-{name}.port={port}" for name, port in served.items()),
        *(f"-{name}.port.grpc={port}" for name, port in grpc.items()),
    ]


def _identities(address: S3Address) -> str:
    identities = [
        {
            "name": name,
            "credentials": [
                {"accessKey": keys.access_key, "secretKey": keys.secret_key}
            ],
            "actions": list(rights),
        }
        for name, keys, rights in (
            ("admin", address.admin, ADMIN_RIGHTS),
            ("app", address.app, APP_RIGHTS),
        )
    ]
    return json.dumps({"identities": identities})


def _fresh_keys() -> S3Keys:
    return S3Keys(access_key=token_hex(10).upper(), secret_key=token_hex(20))
