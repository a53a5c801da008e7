# SPDX-License-Identifier: Apache-2.0
"""Exchanges, wrapped and staked ether, vaults, collectibles and Permit2."""

from django.utils.translation import gettext_noop

from agent.understanding.effects.effect import Kind
from agent.understanding.effects.families.protocols.meaning import Case, Meaning
from governance.chain.address import ZERO

_VAULT = {"assets": "plain", "shares": "plain"}

ROWS = [
    # Uniswap's rules.
    Meaning(
        "setFeeTo(address _feeTo)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Sends the protocol fees of {target} to {_feeTo} from now on."),
        recipient="_feeTo",
        subject="fee recipient",
        new_value="_feeTo",
        moves="money",
        cases=(Case("_feeTo", ZERO, gettext_noop("Turns the protocol fees of {target} off.")),),
    ),
    Meaning(
        "setFeeToSetter(address feeToSetter_)",
        Kind.ROLE_CHANGE,
        gettext_noop("Lets {feeToSetter_} decide who gets the protocol fees of {target}."),
        recipient="feeToSetter_",
        subject="fee setter",
    ),
    Meaning(
        "setFeeProtocol(uint8 feeProtocol0,uint8 feeProtocol1)",
        Kind.PARAMETER_CHANGE,
        gettext_noop(
            "Sets the protocol's part of the fees of {target}: one part in {feeProtocol0} for the first token, one in "
            "{feeProtocol1} for the second (0 is none)."
        ),
        subject="protocol fee",
        new_value="feeProtocol0",
        moves="money",
    ),
    Meaning(
        "enableFeeAmount(uint24 fee,int24 tickSpacing)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Allows pools with a fee of {fee} and a tick spacing of {tickSpacing} in {target}."),
        subject="fee",
        new_value="fee",
        forms={"fee": "percent6"},
    ),
    Meaning(
        "collectProtocol(address recipient,uint128 amount0Requested,uint128 amount1Requested)",
        Kind.CALL,
        gettext_noop(
            "Pays protocol fees of {target} to {recipient}: up to {amount0Requested} base units of its first token and "
            "{amount1Requested} of its second."
        ),
        recipient="recipient",
        sender="target",
        subject="protocol fees",
        moves="money",
    ),
    Meaning(
        "setRecipient(address recipient_)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Makes {recipient_} the recipient of what {target} pays."),
        recipient="recipient_",
        subject="recipient",
        new_value="recipient_",
        moves="money",
    ),
    # Swaps.
    Meaning(
        "swapExactTokensForTokens(uint256 amountIn,uint256 amountOutMin,address[] path,address to,uint256 deadline)",
        Kind.CALL,
        gettext_noop(
            "Swaps {amountIn} base units of the first of these tokens for at least {amountOutMin} of the last, for "
            "{to}, by "
            "{target}, until {deadline}: {path}."
        ),
        amount="amountIn",
        recipient="to",
        subject="swap",
        new_value="amountOutMin",
        moves="money",
        forms={"deadline": "time"},
    ),
    Meaning(
        "swapExactETHForTokens(uint256 amountOutMin,address[] path,address to,uint256 deadline)",
        Kind.CALL,
        gettext_noop(
            "Swaps the native currency that goes along for at least {amountOutMin} base units of the last of these "
            "tokens, for {to}, "
            "by {target}, "
            "until {deadline}: {path}."
        ),
        recipient="to",
        subject="swap",
        new_value="amountOutMin",
        moves="money",
        forms={"deadline": "time"},
    ),
    Meaning(
        "exactInputSingle((address tokenIn,address tokenOut,uint24 fee,address recipient,uint256 deadline,uint256 "
        "amountIn,"
        "uint256 amountOutMinimum,uint160 sqrtPriceLimitX96) params)",
        Kind.CALL,
        gettext_noop(
            "Swaps {amountIn} for at least {amountOutMinimum} base units of {tokenOut}, for {recipient}, by {target}, "
            "until "
            "{deadline}."
        ),
        asset="tokenIn",
        amount="amountIn",
        recipient="recipient",
        subject="swap",
        new_value="amountOutMinimum",
        moves="money",
        forms={"amountIn": "money", "deadline": "time"},
    ),
    Meaning(
        "addLiquidity(address tokenA,address tokenB,uint256 amountADesired,uint256 amountBDesired,uint256 "
        "amountAMin,uint256 "
        "amountBMin,address to,uint256 deadline)",
        Kind.CALL,
        gettext_noop(
            "Puts up to {amountADesired} base units of {tokenA} and {amountBDesired} of {tokenB} into a pool, for "
            "{to}, by "
            "{target}, until {deadline}."
        ),
        recipient="to",
        subject="liquidity",
        moves="money",
        forms={"deadline": "time"},
    ),
    Meaning(
        "addLiquidityETH(address token,uint256 amountTokenDesired,uint256 amountTokenMin,uint256 amountETHMin,address "
        "to,"
        "uint256 deadline)",
        Kind.CALL,
        gettext_noop(
            "Puts up to {amountTokenDesired} and the native currency that goes along into a pool, for {to}, by "
            "{target}, until "
            "{deadline}."
        ),
        asset="token",
        amount="amountTokenDesired",
        recipient="to",
        subject="liquidity",
        moves="money",
        forms={"amountTokenDesired": "money", "deadline": "time"},
    ),
    # Wrapped and staked ether.
    Meaning(
        "deposit()",
        Kind.CALL,
        gettext_noop("Deposits in {target} what native currency goes along."),
        subject="deposit",
        moves="",
    ),
    Meaning(
        "withdraw(uint256 wad)",
        Kind.CALL,
        gettext_noop("Withdraws {wad} from {target}: base units, or what its code counts."),
        subject="withdrawal",
        new_value="wad",
        moves="money",
    ),
    Meaning(
        "withdraw()",
        Kind.CALL,
        gettext_noop("Takes what {target} has to pay out of it: its code decides how much, and to whom."),
        sender="target",
        subject="withdrawal",
        moves="money",
    ),
    Meaning(
        "withdraw(address payee)",
        Kind.CALL,
        gettext_noop("Withdraws from {target} for {payee}: all that is due to it, or all of that token."),
        sender="target",
        subject="withdrawal",
        moves="money",
    ),
    Meaning(
        "submit(address _referral)",
        Kind.CALL,
        gettext_noop("Stakes what native currency goes along by {target}, with {_referral} as referral."),
        subject="stake",
        new_value="_referral",
        moves="",
    ),
    Meaning(
        "requestWithdrawals(uint256[] _amounts,address _owner)",
        Kind.CALL,
        gettext_noop("Asks {target} to pay out staked ether, for {_owner}, in parts of these base units: {_amounts}."),
        recipient="_owner",
        subject="withdrawal",
        new_value="_amounts",
        moves="money",
    ),
    Meaning(
        "claimWithdrawal(uint256 _requestId)",
        Kind.CALL,
        gettext_noop("Takes the ether of withdrawal request {_requestId} out of {target}, to its owner."),
        sender="target",
        subject="withdrawal",
        new_value="_requestId",
        moves="money",
        forms={"_requestId": "plain"},
    ),
    Meaning(
        "wrap(uint256 sharesAmount_)",
        Kind.CALL,
        gettext_noop("Wraps {sharesAmount_} base units of a token into {target}."),
        subject="wrap",
        new_value="sharesAmount_",
        moves="money",
    ),
    Meaning(
        "unwrap(uint256 tokenAmount_)",
        Kind.CALL,
        gettext_noop("Unwraps {tokenAmount_}."),
        asset="target",
        amount="tokenAmount_",
        subject="unwrap",
        moves="money",
        forms={"tokenAmount_": "money"},
    ),
    # Vaults (ERC-4626).
    Meaning(
        "deposit(uint256 assets,address receiver)",
        Kind.CALL,
        gettext_noop("Deposits {assets} base units of its token in the vault {target}; {receiver} gets the shares."),
        amount="assets",
        recipient="receiver",
        subject="deposit",
        moves="money",
    ),
    Meaning(
        "mint(uint256 shares,address receiver)",
        Kind.MINT,
        gettext_noop(
            "Creates {shares} for {receiver} (in a vault: for its token, which whoever makes this call pays)."
        ),
        asset="target",
        amount="shares",
        recipient="receiver",
        subject="deposit",
        moves="money",
        forms={"shares": "money"},
    ),
    Meaning(
        "withdraw(uint256 assets,address receiver,address owner)",
        Kind.CALL,
        gettext_noop(
            "Pays {assets} base units of its token out of the vault {target} to {receiver}, for shares of {owner}."
        ),
        amount="assets",
        recipient="receiver",
        sender="owner",
        subject="withdrawal",
        moves="money",
    ),
    Meaning(
        "redeem(uint256 shares,address receiver,address owner)",
        Kind.CALL,
        gettext_noop("Redeems {shares} of {owner} in the vault {target}; {receiver} gets what they are worth."),
        asset="target",
        amount="shares",
        recipient="receiver",
        sender="owner",
        subject="withdrawal",
        moves="money",
        forms={"shares": "money"},
    ),
    # Collectibles (ERC-721, ERC-1155).
    Meaning(
        "safeTransferFrom(address from,address to,uint256 tokenId)",
        Kind.TRANSFER,
        gettext_noop("Transfers number {tokenId} of {target} from {from} to {to}."),
        recipient="to",
        sender="from",
        subject="collectible",
        new_value="tokenId",
        moves="money",
        forms={"tokenId": "plain"},
    ),
    Meaning(
        "safeTransferFrom(address from,address to,uint256 tokenId,bytes data)",
        Kind.TRANSFER,
        gettext_noop("Transfers number {tokenId} of {target} from {from} to {to}, which is called with {data}."),
        recipient="to",
        sender="from",
        subject="collectible",
        new_value="tokenId",
        moves="money",
        forms={"tokenId": "plain"},
    ),
    Meaning(
        "safeTransferFrom(address from,address to,uint256 id,uint256 value,bytes data)",
        Kind.TRANSFER,
        gettext_noop("Transfers {value} of number {id} of {target} from {from} to {to}, which is called with {data}."),
        recipient="to",
        sender="from",
        subject="collectible",
        new_value="id",
        moves="money",
        forms={"id": "plain"},
    ),
    Meaning(
        "safeBatchTransferFrom(address from,address to,uint256[] ids,uint256[] values,bytes data)",
        Kind.TRANSFER,
        gettext_noop(
            "Transfers {values} of number {ids} of {target} from {from} to {to}, which is called with {data}."
        ),
        recipient="to",
        sender="from",
        subject="collectible",
        new_value="ids",
        moves="money",
        each=("ids", "values"),
        forms={"ids": "plain"},
    ),
    Meaning(
        "burn(address account,uint256 id,uint256 value)",
        Kind.BURN,
        gettext_noop("Destroys {value} of number {id} of {target} that {account} has."),
        sender="account",
        subject="collectible",
        new_value="id",
        forms={"id": "plain"},
    ),
    # Permit2.
    Meaning(
        "approve(address token,address spender,uint160 amount,uint48 expiration)",
        Kind.APPROVE,
        gettext_noop("Lets {spender} take up to {amount} by {target}, until {expiration}."),
        asset="token",
        amount="amount",
        recipient="spender",
        new_value="expiration",
        forms={"amount": "money", "expiration": "time_or_block"},
        cases=(
            Case("amount", 0, gettext_noop("Lets {spender} take no more {token} by {target}."), moves=""),
            Case(
                "amount",
                2**160 - 1,
                gettext_noop(
                    "Lets {spender} take any amount of {token} by {target}, without limit, until {expiration}."
                ),
            ),
        ),
    ),
    Meaning(
        "transferFrom(address from,address to,uint160 amount,address token)",
        Kind.TRANSFER,
        gettext_noop("Transfers {amount} from {from} to {to}, by {target}."),
        asset="token",
        amount="amount",
        recipient="to",
        sender="from",
        forms={"amount": "money"},
    ),
    # Gauges and locks.
    Meaning(
        "create_lock(uint256 _value,uint256 _unlock_time)",
        Kind.CALL,
        gettext_noop("Locks {_value} base units of its token in {target} until {_unlock_time}."),
        amount="_value",
        subject="lock",
        new_value="_unlock_time",
        moves="money",
        forms={"_unlock_time": "time"},
    ),
    Meaning(
        "vote_for_gauge_weights(address _gauge_addr,uint256 _user_weight)",
        Kind.VOTE,
        gettext_noop("Gives {_user_weight} of the voting power in {target} to the gauge {_gauge_addr}."),
        recipient="_gauge_addr",
        subject="gauge weight",
        new_value="_user_weight",
        moves="power",
        forms={"_user_weight": "percent4"},
    ),
    Meaning(
        "add_gauge(address addr,int128 gauge_type)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Adds the gauge {addr} of type {gauge_type} to {target}."),
        recipient="addr",
        subject="gauge",
        new_value="addr",
        moves="money",
    ),
    Meaning(
        "add_gauge(address addr,int128 gauge_type,uint256 weight)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Adds the gauge {addr} of type {gauge_type} with weight {weight} to {target}."),
        recipient="addr",
        subject="gauge",
        new_value="addr",
        moves="money",
    ),
    # Tokens left behind.
    Meaning(
        "recoverERC20(address tokenAddress,uint256 tokenAmount)",
        Kind.CALL,
        gettext_noop("Takes {tokenAmount} out of {target}: its code decides to whom."),
        asset="tokenAddress",
        amount="tokenAmount",
        sender="target",
        subject="recovery",
        moves="money",
        forms={"tokenAmount": "money"},
    ),
    Meaning(
        "rescueTokens(address token,address to,uint256 amount)",
        Kind.TRANSFER,
        gettext_noop("Pays {amount} out of {target} to {to}."),
        asset="token",
        amount="amount",
        recipient="to",
        sender="target",
        forms={"amount": "money"},
    ),
    Meaning(
        "emergencyTokenTransfer(address erc20Token,address to,uint256 amount)",
        Kind.TRANSFER,
        gettext_noop("Pays {amount} out of {target} to {to}."),
        asset="erc20Token",
        amount="amount",
        recipient="to",
        sender="target",
        forms={"amount": "money"},
    ),
    Meaning(
        "addMinter(address account)",
        Kind.ROLE_CHANGE,
        gettext_noop("Lets {account} create tokens of {target}."),
        recipient="account",
        subject="minter",
    ),
    Meaning(
        "removeMinter(address minter)",
        Kind.ROLE_CHANGE,
        gettext_noop("Ends the right of {minter} to create tokens of {target}."),
        recipient="minter",
        subject="minter",
    ),
    Meaning(
        "setPaused(bool paused)",
        Kind.PAUSE,
        gettext_noop("Pauses {target}."),
        subject="pause",
        new_value="paused",
        cases=(Case("paused", False, gettext_noop("Ends the pause of {target}.")),),
    ),
    # Bridges for tokens: what is carried is money, and the recipient is on the other chain.
    Meaning(
        "relayTokens(address token,address _receiver,uint256 _amount)",
        Kind.BRIDGE,
        gettext_noop("Sends {_amount} through the bridge {target} to {_receiver} on another chain."),
        asset="token",
        amount="_amount",
        recipient="_receiver",
        moves="money",
        forms={"_amount": "money"},
    ),
    Meaning(
        "depositETHTo(address _to,uint32 _minGasLimit,bytes _extraData)",
        Kind.BRIDGE,
        gettext_noop(
            "Sends the native currency that goes along through the bridge {target} to {_to} on another chain."
        ),
        recipient="_to",
        moves="money",
    ),
    Meaning(
        "depositERC20To(address _l1Token,address _l2Token,address _to,uint256 _amount,uint32 _minGasLimit,bytes "
        "_extraData)",
        Kind.BRIDGE,
        gettext_noop("Sends {_amount} through the bridge {target} to {_to} on another chain."),
        asset="_l1Token",
        amount="_amount",
        recipient="_to",
        moves="money",
        forms={"_amount": "money"},
    ),
    Meaning(
        "outboundTransfer(address _token,address _to,uint256 _amount,uint256 _maxGas,uint256 _gasPriceBid,bytes _data)",
        Kind.BRIDGE,
        gettext_noop("Sends {_amount} through the bridge {target} to {_to} on another chain."),
        asset="_token",
        amount="_amount",
        recipient="_to",
        moves="money",
        forms={"_amount": "money"},
    ),
    Meaning(
        "outboundTransferCustomRefund(address _l1Token,address _refundTo,address _to,uint256 _amount,uint256 "
        "_maxGas,uint256 "
        "_gasPriceBid,bytes _data)",
        Kind.BRIDGE,
        gettext_noop(
            "Sends {_amount} through the bridge {target} to {_to} on another chain; {_refundTo} gets native currency "
            "left over."
        ),
        asset="_l1Token",
        amount="_amount",
        recipient="_to",
        moves="money",
        forms={"_amount": "money"},
    ),
    Meaning(
        "depositFor(address user,address rootToken,bytes depositData)",
        Kind.BRIDGE,
        gettext_noop(
            "Sends {rootToken} through the bridge {target} to {user} on another chain; how much is in {depositData}."
        ),
        recipient="user",
        new_value="depositData",
        moves="money",
    ),
]
