# SPDX-License-Identifier: Apache-2.0
"""The mirror's tables. Raw logs are the truth; everything marked *projection* can be dropped and rebuilt from them.

Every projection row points at the raw log that made it (`log`, cascading), so a reorg that drops a log can never leave
its row behind. Amounts are integers in base units; chain times are Unix seconds by the chain's clock (`*_chain_s`);
times by the wall clock are `*_at`.
"""

# From the bottom up: each file's tables refer to those of the files above it.
# isort: off
from governance.models.chains import *  # noqa: F403
from governance.models.logs import *  # noqa: F403
from governance.models.proposals import *  # noqa: F403
from governance.models.power import *  # noqa: F403
from governance.models.timelock import *  # noqa: F403
from governance.models.policies import *  # noqa: F403
from governance.models.treasury import *  # noqa: F403
from governance.models.checks import *  # noqa: F403
from governance.models.readings import *  # noqa: F403
from governance.models.doubts import *  # noqa: F403
from governance.models.incidents import *  # noqa: F403
from governance.models.outbox import *  # noqa: F403
from governance.models.work import *  # noqa: F403
from governance.models.outgoing import *  # noqa: F403
from governance.models.audit_log import *  # noqa: F403
