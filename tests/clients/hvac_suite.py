"""What a Python program does with Holdfast through hvac, unmodified.

Driven by `tests/hvac.rs`, which starts an uninitialised cluster and gives its addresses in `VAULT_ADDRS`, separated by
commas. The script initialises it, opens every node, and then speaks to a follower only. It ends with 0 when every
check held; otherwise the traceback names the first that did not.
"""

import os
import time

import hvac
from hvac import exceptions

DEADLINE_S = 20
ADDRESSES = os.environ["VAULT_ADDRS"].split(",")


def client(address, token=None):
    made = hvac.Client(url=address, token=token, timeout=30)
    made.session.trust_env = False
    return made


def until(what, probe):
    """Asks until the probe gives something, and fails at the deadline."""
    end = time.monotonic() + DEADLINE_S
    while True:
        try:
            value = probe()
            if value:
                return value
            last = value
        except exceptions.VaultError as error:
            last = error
        assert time.monotonic() < end, f"waited for {what}: {last!r}"
        time.sleep(0.02)


def refused(kind, call, *args, **named):
    """The call must fail as this class, which hvac chooses by the status."""
    try:
        call(*args, **named)
    except kind as error:
        assert type(error) is kind, f"{type(error).__name__} is not {kind.__name__}"
        return str(error)
    raise AssertionError(f"{kind.__name__} was expected")


def initialise():
    first = client(ADDRESSES[0])
    assert first.sys.is_initialized() is False
    assert first.sys.is_sealed() is True
    made = until("a leader to initialise", lambda: first.sys.initialize(secret_shares=5, secret_threshold=3))
    assert len(made["keys"]) == len(made["keys_base64"]) == 5
    refused(exceptions.InvalidRequest, first.sys.initialize, 1, 1)
    return made


def unseal(made):
    for address in ADDRESSES:
        node = client(address)
        until("the node to know the seal", node.sys.is_initialized)
        assert node.sys.is_sealed()
        status = node.sys.submit_unseal_key(made["keys"][0])
        assert (status["t"], status["n"], status["progress"]) == (3, 5, 1)
        status = node.sys.submit_unseal_key(reset=True)
        assert status["progress"] == 0
        # Both spellings of a share are taken.
        status = node.sys.submit_unseal_keys([made["keys"][4], made["keys_base64"][2], made["keys"][1]])
        assert status["sealed"] is False
        status = node.sys.read_seal_status()
        assert status["initialized"] and not status["sealed"] and status["type"] == "shamir"
        assert status["version"] and status["storage_type"]


def follower():
    """A node that does not lead, once one does."""

    def ask():
        for address in ADDRESSES:
            status = client(address).sys.read_leader_status()
            if status["ha_enabled"] and status["leader_address"] and not status["is_self"]:
                return address
        return None

    return until("a follower", ask)


def health(address):
    node = client(address)
    answer = node.sys.read_health_status(method="GET")
    # With a status other than 200 hvac gives the response itself: a standby answers 429.
    assert answer.status_code == 429, answer.status_code
    body = answer.json()
    assert body["initialized"] and not body["sealed"] and body["standby"]
    assert node.sys.read_health_status(standby_ok=True, method="GET")["standby"] is True
    assert node.sys.read_health_status(method="HEAD").status_code == 429


def mounts(root):
    def enabled():
        root.sys.enable_secrets_engine("kv", path="secret", options={"version": "2"})
        return True

    until("the first mount", enabled)
    root.sys.enable_secrets_engine("kv", path="plain", description="first", options={"version": "1"})
    assert "path is already in use" in refused(
        exceptions.InvalidRequest, root.sys.enable_secrets_engine, "kv", path="plain"
    )
    listed = root.sys.list_mounted_secrets_engines()["data"]
    assert listed["secret/"]["options"]["version"] == "2", listed["secret/"]
    assert listed["plain/"]["type"] == "kv" and listed["plain/"]["description"] == "first"
    for field in ("accessor", "uuid", "local", "seal_wrap", "external_entropy_access"):
        assert field in listed["plain/"], field
    root.sys.tune_mount_configuration("plain", default_lease_ttl="3600s", max_lease_ttl="7200s", description="tuned")
    tuned = root.sys.read_mount_configuration("plain")["data"]
    assert (tuned["default_lease_ttl"], tuned["max_lease_ttl"]) == (3600, 7200)
    assert root.sys.list_mounted_secrets_engines()["data"]["plain/"]["description"] == "tuned"
    root.sys.enable_secrets_engine("kv", path="passing", options={"version": "2"})
    root.sys.disable_secrets_engine("passing")
    assert "passing/" not in root.sys.list_mounted_secrets_engines()["data"]
    assert "token/" in root.sys.list_auth_methods()["data"]


def kv1(root):
    kv = root.secrets.kv.v1
    kv.create_or_update_secret("team/app", {"user": "ada", "n": 1}, mount_point="plain")
    read = kv.read_secret("team/app", mount_point="plain")
    assert read["data"] == {"user": "ada", "n": 1}
    assert read["lease_duration"] > 0 and read["renewable"] is False
    kv.create_or_update_secret("team/app", {"user": "eve"}, method="PUT", mount_point="plain")
    assert kv.read_secret("team/app", mount_point="plain")["data"] == {"user": "eve"}
    assert kv.list_secrets("team", mount_point="plain")["data"]["keys"] == ["app"]
    assert kv.list_secrets("", mount_point="plain")["data"]["keys"] == ["team/"]
    kv.delete_secret("team/app", mount_point="plain")
    refused(exceptions.InvalidPath, kv.read_secret, "team/app", mount_point="plain")
    refused(exceptions.InvalidPath, kv.list_secrets, "team", mount_point="plain")


def kv2_versions(root):
    kv = root.secrets.kv.v2
    made = kv.create_or_update_secret("app/db", {"pw": "one", "host": "h"}, cas=0)
    assert made["data"]["version"] == 1 and made["data"]["deletion_time"] == ""
    text = refused(exceptions.InvalidRequest, kv.create_or_update_secret, "app/db", {"pw": "x"}, cas=0)
    assert "check-and-set parameter" in text, text
    assert kv.create_or_update_secret("app/db", {"pw": "two", "host": "h"}, cas=1)["data"]["version"] == 2
    # hvac patches by itself: it reads, merges and writes with check-and-set.
    assert kv.patch("app/db", {"pw": "three"})["data"]["version"] == 3
    assert kv.read_secret_version("app/db", raise_on_deleted_version=True)["data"]["data"] == {"pw": "three", "host": "h"}
    old = kv.read_secret_version("app/db", version=1, raise_on_deleted_version=True)
    assert old["data"]["data"] == {"pw": "one", "host": "h"}
    refused(exceptions.InvalidPath, kv.patch, "app/none", {"a": "b"})
    refused(exceptions.InvalidPath, kv.read_secret_version, "app/none", raise_on_deleted_version=True)


def kv2_deletion(root):
    kv = root.secrets.kv.v2
    kv.delete_latest_version_of_secret("app/db")
    refused(exceptions.InvalidPath, kv.read_secret_version, "app/db", raise_on_deleted_version=True)
    gone = kv.read_secret_version("app/db", raise_on_deleted_version=False)
    assert gone["data"]["data"] is None and gone["data"]["metadata"]["deletion_time"] != ""
    kv.undelete_secret_versions("app/db", [3])
    assert kv.read_secret_version("app/db", raise_on_deleted_version=True)["data"]["data"] == {"pw": "three", "host": "h"}
    kv.delete_secret_versions("app/db", [1, 2])
    kv.undelete_secret_versions("app/db", [2])
    kv.destroy_secret_versions("app/db", [1])
    lost = kv.read_secret_version("app/db", version=1, raise_on_deleted_version=False)
    assert lost["data"]["metadata"]["destroyed"] is True and lost["data"]["data"] is None
    versions = kv.read_secret_metadata("app/db")["data"]["versions"]
    assert versions["1"]["destroyed"] and not versions["2"]["destroyed"]
    assert versions["2"]["deletion_time"] == "" == versions["3"]["deletion_time"]


def kv2_metadata(root):
    kv = root.secrets.kv.v2
    kv.update_metadata("app/db", max_versions=2, cas_required=True, delete_version_after="3h25m19s",
                       custom_metadata={"owner": "db team"})
    meta = kv.read_secret_metadata("app/db")["data"]
    assert (meta["max_versions"], meta["cas_required"]) == (2, True)
    assert meta["delete_version_after"] == "3h25m19s" and meta["custom_metadata"] == {"owner": "db team"}
    assert meta["current_version"] == 3 and meta["oldest_version"] >= 0
    refused(exceptions.InvalidRequest, kv.create_or_update_secret, "app/db", {"pw": "no cas"})
    kv.create_or_update_secret("app/db", {"pw": "four"}, cas=3)
    assert sorted(kv.read_secret_metadata("app/db")["data"]["versions"]) == ["3", "4"]
    assert kv.list_secrets("app")["data"]["keys"] == ["db"]
    assert kv.list_secrets("")["data"]["keys"] == ["app/"]
    kv.configure(max_versions=7, cas_required=False, delete_version_after="0s")
    assert kv.read_configuration()["data"]["max_versions"] == 7
    kv.delete_metadata_and_all_versions("app/db")
    refused(exceptions.InvalidPath, kv.read_secret_metadata, "app/db")
    refused(exceptions.InvalidPath, kv.list_secrets, "app")


def policies(root):
    rules = 'path "secret/data/app/*" { capabilities = ["create", "update", "read"] }'
    root.sys.create_or_update_policy("app", rules)
    assert "app" in root.sys.list_policies()["data"]["policies"]
    assert root.sys.read_policy("app")["data"]["rules"] == rules
    root.sys.create_or_update_acl_policy("reader", 'path "secret/data/app/*" { capabilities = ["read"] }')
    keys = root.sys.list_acl_policies()["data"]["keys"]
    assert {"app", "reader", "default", "root"} <= set(keys), keys
    assert "read" in root.sys.read_acl_policy("reader")["data"]["policy"]
    root.sys.delete_acl_policy("reader")
    refused(exceptions.InvalidPath, root.sys.read_acl_policy, "reader")
    refused(exceptions.InvalidRequest, root.sys.delete_policy, "default")
    refused(exceptions.InvalidRequest, root.sys.create_or_update_policy, "bad", 'path "x" {')


def tokens(root, address):
    made = root.auth.token.create(policies=["app"], ttl="1h", meta={"who": "suite"}, display_name="suite")["auth"]
    assert made["policies"] == ["app", "default"] and made["lease_duration"] == 3600 and made["renewable"]
    app = client(address, made["client_token"])
    assert app.is_authenticated()
    me = app.auth.token.lookup_self()["data"]
    assert me["id"] == made["client_token"] and me["meta"] == {"who": "suite"} and me["type"] == "service"
    assert me["display_name"] == "token-suite" and 0 < me["ttl"] <= 3600 and me["expire_time"]
    assert root.auth.token.lookup(made["client_token"])["data"]["accessor"] == made["accessor"]
    by_accessor = root.auth.token.lookup_accessor(made["accessor"])["data"]
    assert by_accessor["id"] == "" and by_accessor["accessor"] == made["accessor"]
    assert made["accessor"] in root.auth.token.list_accessors()["data"]["keys"]
    assert app.auth.token.renew_self(increment="30m")["auth"]["lease_duration"] == 1800
    assert root.auth.token.renew(made["client_token"])["auth"]["client_token"] == made["client_token"]
    root.auth.token.renew_accessor(made["accessor"])

    app.secrets.kv.v2.create_or_update_secret("app/own", {"a": "b"})
    text = refused(exceptions.Forbidden, app.secrets.kv.v2.read_secret_version, "other", raise_on_deleted_version=True)
    assert "permission denied" in text, text
    seen = app.sys.get_capabilities(["secret/data/app/own", "secret/data/other"])["data"]
    assert sorted(seen["secret/data/app/own"]) == ["create", "read", "update"], seen
    assert seen["secret/data/other"] == ["deny"]
    asked = root.sys.get_capabilities(["sys/mounts"], token=made["client_token"])["data"]
    assert asked["capabilities"] == ["deny"], asked
    assert root.sys.get_capabilities(["sys/mounts"], accessor=made["accessor"])["data"]["sys/mounts"] == ["deny"]
    assert root.sys.get_capabilities(["sys/mounts"])["data"]["sys/mounts"] == ["root"]

    orphan = root.auth.token.create_orphan(policies=["default"], ttl="10m")["auth"]
    assert orphan["orphan"] is True
    root.auth.token.revoke_accessor(orphan["accessor"])
    refused(exceptions.Forbidden, client(address, orphan["client_token"]).auth.token.lookup_self)
    app.auth.token.revoke_self()
    refused(exceptions.Forbidden, app.auth.token.lookup_self)
    other = root.auth.token.create(policies=["app"])["auth"]["client_token"]
    root.auth.token.revoke(other)
    assert not client(address, other).is_authenticated()


def cubbyhole(root):
    root.write_data("cubbyhole/mine", data={"k": "v"})
    assert root.read("cubbyhole/mine")["data"] == {"k": "v"}
    assert root.list("cubbyhole/")["data"]["keys"] == ["mine"]
    root.delete("cubbyhole/mine")
    assert root.read("cubbyhole/mine") is None


def node_state(root):
    assert root.sys.get_encryption_key_status()["data"]["term"] >= 1
    assert root.ha_status["ha_enabled"] is True
    assert root.seal_status["sealed"] is False


def seal(root):
    root.sys.seal()
    until("the node to be sealed", root.sys.is_sealed)
    refused(exceptions.VaultDown, root.secrets.kv.v2.read_secret_version, "app/own", raise_on_deleted_version=True)


def main():
    made = initialise()
    unseal(made)
    address = follower()
    health(address)
    root = client(address, made["root_token"])
    assert root.is_authenticated()
    for step in (mounts, kv1, kv2_versions, kv2_deletion, kv2_metadata, policies):
        step(root)
        print(f"{step.__name__}: held", flush=True)
    tokens(root, address)
    cubbyhole(root)
    node_state(root)
    seal(root)
    print("all held", flush=True)


if __name__ == "__main__":
    main()
