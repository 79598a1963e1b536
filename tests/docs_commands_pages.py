"""What each page presumes, what its reader fills in, and what of it is not run, with the reason."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.docs_commands import Block, blocks
from tests.docs_commands_room import Scene
from tests.docs_commands_scenes import (
    account,
    account_of_release,
    argo,
    bound,
    catalogue,
    cloud,
    cluster,
    definitions,
    foreign,
    free_port,
    helm,
    imported,
    installed,
    leaving,
    lost_cluster,
    made_by_hand,
    media,
    namespaces,
    nobody_works,
    provisioned,
    released,
    sharded,
    shop,
    torn_apart,
    wrong_list,
)

KEYS = {  # the scene has said them already
    "ALIBABA_CLOUD_ACCESS_KEY_ID=… ALIBABA_CLOUD_ACCESS_KEY_SECRET=… ALIBABA_CLOUD_ACCOUNT_ID=…": "STACK_KEY=known"
}
# The room has a local cloud; the one that a page starts gets a port of its own, and nobody speaks to it.
EMULATOR = {"python -m emulator run": "python -m emulator run --port 0"}
GUIDES = "docs/guides/"
LEAVING = "photos-leaving-1b2c3d4e"
STAND_IN = "$(kubectl get immb --output name | grep {}-leaving | cut -d/ -f2)"


@dataclass(frozen=True)
class Part:
    """A page, a folder of pages, or what is below a heading until the next that is listed."""

    page: str
    scenes: tuple[Scene, ...] = ()
    fill: dict[str, str] = field(default_factory=dict, hash=False)
    heading: str = ""

    @property
    def id(self) -> str:
        """For people."""
        return f"{self.page}#{self.heading}" if self.heading else self.page

    @property
    def slow(self) -> bool:
        """Whether an operator has to be at work, and something in it settled, before anything is typed."""
        return bool({account, account_of_release, installed, media, released} & {*self.scenes})

    def has(self, page: str) -> bool:
        """Whether a page is of this part, or of another below a heading of the same page."""
        return page == self.page or (self.page.endswith("/") and page.startswith(self.page))


PARTS = (
    Part("README.md", (cloud, cluster, helm), KEYS, "Ten minutes to a first binding in a real account"),
    Part("docs/accounts.md", (cluster, definitions, namespaces("team-a"))),
    Part("docs/cli.md", (cloud, catalogue, wrong_list), EMULATOR | {"owners imm-work": "owners my-photos"}),
    Part(
        "docs/deletion.md",
        (media, leaving("photos", "documents")),
        {
            f"{LEAVING} {end}": f"{STAND_IN.format(name)} {end}"
            for name, end in (("photos", "imm-operator.dev/end-grace-period"), ("documents", "imm-operator.dev/detach"))
        },
    ),
    Part("docs/imports.md", (media, imported)),
    Part(
        "docs/infrastructure.md",
        (cloud, provisioned("prod")),
        EMULATOR
        | KEYS
        | {"s3://…": "file://$PWD/.sandbox/state", "AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…": "STATE_KEY=known"},
    ),
    Part("docs/pictures.md", (media, catalogue)),
    Part("docs/reasons.md", (media,), {"NAME": "photos"}),
    Part("docs/troubleshooting.md", (media,)),
    Part(
        "docs/runbooks/",
        (media, imported),
        {
            "KIND NAME": "datasetbinding photos",
            "cloudaccount NAME": "cloudaccount media",
            "datasetbinding NAME": "datasetbinding photos",
            "batchimport NAME": "batchimport excursions",
            "NAMESPACE": "media",
        },
    ),
    Part("docs/guides/adopt.md", (account, made_by_hand)),
    Part("docs/guides/migrate-from-scripts.md", (account, shop)),
    Part(
        "docs/guides/multi-account.md",
        (cloud, cluster, definitions, installed),
        KEYS
        | {
            "KEY_OF_TEAM_A": "$ALIBABA_CLOUD_ACCESS_KEY_ID",
            "SECRET_OF_TEAM_A": "$ALIBABA_CLOUD_ACCESS_KEY_SECRET",
            "  region: cn-hangzhou": "  region: cn-hangzhou\n  endpoints: {imm: $EMULATOR_URL, oss: $EMULATOR_URL}",
        },
    ),
    Part("docs/guides/argocd.md", (cluster, definitions, argo, foreign("deploy/argocd"))),
    Part("docs/guides/flux.md", (cluster, definitions, foreign("deploy/flux", "flux-system"))),
    Part("docs/guides/upgrade.md", (cloud, released, namespaces("media-dev"))),
    Part("docs/guides/uninstall.md", (cluster, released), heading="The operator alone"),
    Part("docs/guides/uninstall.md", (account_of_release, bound), heading="Everything"),
    Part("docs/guides/uninstall.md", (media, nobody_works), heading="What hangs"),
    Part(
        "docs/guides/disaster-recovery.md",
        (account, lost_cluster),
        {"imm-work": "imm-local-work"},
    ),
    Part("docs/guides/install.md", (cluster, helm, namespaces("team-a", "team-b"))),
    Part("docs/guides/install.md", (cluster,), heading="With kustomize"),
    Part("docs/guides/observability.md", (media,)),
    Part("docs/guides/sharding.md", (media, sharded("prod", "default", "b"), provisioned("prod"), torn_apart)),
    Part("emulator/README.md", (free_port,)),
    Part("environments/README.md", (cloud,), {"rehearse.json": "rehearsed-local.json"}, "Environments"),
    Part(
        "environments/README.md",
        (cloud, sharded("staging", "default", "second"), cluster, definitions, namespaces("media-dev"),
         provisioned("dev", "staging", "prod")),
        heading="Keys",
    ),
    Part(
        "deploy/pulumi-operator/README.md",
        (cluster,),
        {"PASSPHRASE_FILE": "LICENSE", "accessKeyId=…": "accessKeyId=id", "accessKeySecret=…": "accessKeySecret=secret",
         "accountId=…": "accountId=1234567890123456"},
    ),
)  # fmt: skip

KEY_URN = "urn:pulumi:dev::imm-operator::imm-operator:access:OperatorAccess$alicloud:ram/accessKey:AccessKey::operator"
# By page and first line.
NOT_RUN: dict[tuple[str, str], str] = {
    (
        "README.md",
        "make demo   # the main job on this machine: local cloud, real Kubernetes API server, real files, answers",
    ): "tests/e2e/test_demo.py runs it, and make test runs this",
    ("docs/guides/image.md", "make sbom"): "tests/deploy/test_image_sbom.py and test_image_prefix.py are these two",
    (
        "environments/README.md",
        f"pulumi up --stack dev --replace '{KEY_URN}'",
    ): "the rehearsal replaces nothing by name; tests/e2e/test_real_pulumi.py does this",
    (
        "docs/infrastructure.md",
        "pulumi stack change-secrets-provider passphrase --stack prod      # asks for the new one, twice",
    ): "asks a person, and the rehearsal keeps no secret",
}


def part_of(block: Block) -> Part | None:
    """Where a block is run: below the nearest heading that is listed."""
    parts = {part.heading: part for part in PARTS if part.has(block.page)}
    return next((parts[heading] for heading in reversed(("", *block.headings)) if heading in parts), None)


def typed(part: Part) -> list[Block]:
    """What is typed of a part."""
    return [one for one in blocks() if part_of(one) == part and (one.page, one.first) not in NOT_RUN]
