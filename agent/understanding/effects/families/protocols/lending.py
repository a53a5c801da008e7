# SPDX-License-Identifier: Apache-2.0
"""Compound and Aave: markets, their limits and prices, and the money that their treasuries hold."""

from django.utils.translation import gettext_noop

from agent.understanding.effects.effect import Kind
from agent.understanding.effects.families.protocols.meaning import Case, Meaning


def _switch(
    function: str, parameter: str, on: str, off: str, subject: str, kind: Kind = Kind.PARAMETER_CHANGE
) -> Meaning:
    """A setter of a bool: `on` and `off` are its sentences."""
    return Meaning(function, kind, on, subject=subject, new_value=parameter, cases=(Case(parameter, False, off),))


def _number(function: str, says: str, subject: str, parameter: str, form: str = "") -> Meaning:
    """A setter of a number or an address."""
    forms = {parameter: form} if form else {}
    return Meaning(function, Kind.PARAMETER_CHANGE, says, subject=subject, new_value=parameter, forms=forms)


_COMPOUND_2 = [
    _number(
        "_setCollateralFactor(address cToken,uint256 newCollateralFactorMantissa)",
        gettext_noop("Sets the collateral factor of {cToken} in {target} to {newCollateralFactorMantissa}."),
        "collateral factor",
        "newCollateralFactorMantissa",
        "percent18",
    ),
    _number(
        "_setReserveFactor(uint256 newReserveFactorMantissa)",
        gettext_noop("Sets the reserve factor of {target} to {newReserveFactorMantissa}."),
        "reserve factor",
        "newReserveFactorMantissa",
        "percent18",
    ),
    _number(
        "_setCloseFactor(uint256 newCloseFactorMantissa)",
        gettext_noop("Sets the close factor of {target} to {newCloseFactorMantissa}."),
        "close factor",
        "newCloseFactorMantissa",
        "percent18",
    ),
    _number(
        "_setLiquidationIncentive(uint256 newLiquidationIncentiveMantissa)",
        gettext_noop("Sets the liquidation incentive of {target} to {newLiquidationIncentiveMantissa}."),
        "liquidation incentive",
        "newLiquidationIncentiveMantissa",
        "percent18",
    ),
    _number(
        "_setInterestRateModel(address newInterestRateModel)",
        gettext_noop("Makes {newInterestRateModel} the interest rate model of {target}."),
        "interest rate model",
        "newInterestRateModel",
    ),
    _number(
        "_setPriceOracle(address newOracle)",
        gettext_noop("Makes {newOracle} the price oracle of {target}."),
        "price oracle",
        "newOracle",
    ),
    _number(
        "_setComptroller(address newComptroller)",
        gettext_noop("Makes {newComptroller} the comptroller of {target}."),
        "comptroller",
        "newComptroller",
    ),
    _number(
        "_supportMarket(address cToken)",
        gettext_noop("Adds the market {cToken} to {target}."),
        "market",
        "cToken",
    ),
    Meaning(
        "_setMarketBorrowCaps(address[] cTokens,uint256[] newBorrowCaps)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Sets the borrow cap of {cTokens} in {target} to {newBorrowCaps} base units of its token."),
        subject="borrow cap",
        new_value="newBorrowCaps",
        each=("cTokens", "newBorrowCaps"),
        cases=(Case("newBorrowCaps", 0, gettext_noop("Removes the borrow cap of {cTokens} in {target}.")),),
    ),
    Meaning(
        "_setCompSpeeds(address[] cTokens,uint256[] supplySpeeds,uint256[] borrowSpeeds)",
        Kind.PARAMETER_CHANGE,
        gettext_noop(
            "Sets the COMP that {target} gives out in the market {cTokens} to {supplySpeeds} base units a block for "
            "suppliers and {borrowSpeeds} for borrowers."
        ),
        subject="COMP speed",
        new_value="supplySpeeds",
        each=("cTokens", "supplySpeeds", "borrowSpeeds"),
        moves="money",
    ),
    Meaning(
        "_setContributorCompSpeed(address contributor,uint256 compSpeed)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Lets {target} pay {contributor} {compSpeed} base units of COMP a block."),
        recipient="contributor",
        subject="COMP speed",
        new_value="compSpeed",
        moves="money",
        cases=(Case("compSpeed", 0, gettext_noop("Ends the COMP that {target} pays to {contributor} each block.")),),
    ),
    Meaning(
        "_grantComp(address recipient,uint256 amount)",
        Kind.TRANSFER,
        gettext_noop("Pays {amount} base units of COMP out of {target} to {recipient}."),
        amount="amount",
        recipient="recipient",
        sender="target",
    ),
    Meaning(
        "_reduceReserves(uint256 reduceAmount)",
        Kind.TRANSFER,
        gettext_noop("Takes {reduceAmount} base units of its token out of the reserves of {target}, to its admin."),
        amount="reduceAmount",
        sender="target",
    ),
    _switch(
        "_setMintPaused(address cToken,bool state)",
        "state",
        gettext_noop("Pauses supplying to the market {cToken} in {target}."),
        gettext_noop("Ends the pause of supplying to the market {cToken} in {target}."),
        "pause",
        Kind.PAUSE,
    ),
    _switch(
        "_setBorrowPaused(address cToken,bool state)",
        "state",
        gettext_noop("Pauses borrowing from the market {cToken} in {target}."),
        gettext_noop("Ends the pause of borrowing from the market {cToken} in {target}."),
        "pause",
        Kind.PAUSE,
    ),
    _switch(
        "_setTransferPaused(bool state)",
        "state",
        gettext_noop("Pauses transfers of the tokens of every market in {target}."),
        gettext_noop("Ends the pause of transfers in {target}."),
        "pause",
        Kind.PAUSE,
    ),
    _switch(
        "_setSeizePaused(bool state)",
        "state",
        gettext_noop("Pauses liquidations in {target}."),
        gettext_noop("Ends the pause of liquidations in {target}."),
        "pause",
        Kind.PAUSE,
    ),
    Meaning(
        "_setPauseGuardian(address newPauseGuardian)",
        Kind.ROLE_CHANGE,
        gettext_noop("Lets {newPauseGuardian} pause {target}."),
        recipient="newPauseGuardian",
        subject="pause guardian",
    ),
    Meaning(
        "_setBorrowCapGuardian(address newBorrowCapGuardian)",
        Kind.ROLE_CHANGE,
        gettext_noop("Lets {newBorrowCapGuardian} set the borrow caps of {target}."),
        recipient="newBorrowCapGuardian",
        subject="borrow cap guardian",
    ),
    Meaning(
        "_setPendingImplementation(address newPendingImplementation)",
        Kind.UPGRADE,
        gettext_noop("Names {newPendingImplementation} as the next code of {target}."),
        recipient="newPendingImplementation",
        subject="code",
    ),
    Meaning(
        "_become(address unitroller)",
        Kind.UPGRADE,
        gettext_noop("Makes {target} the code of {unitroller}."),
        recipient="target",
        subject="code",
        new_value="unitroller",
    ),
    Meaning(
        "claimComp(address holder)",
        Kind.TRANSFER,
        gettext_noop("Pays the COMP that {holder} has earned out of {target} to it."),
        recipient="holder",
        sender="target",
    ),
]

# Compound 3: the configurator's setters name the market (the proxy of a Comet) first.
_COMPOUND_3 = [
    *(
        _number(f"{name}(address cometProxy,{of} {parameter})", says, subject, parameter, form)
        for name, of, parameter, says, subject, form in (
            (
                "setGovernor",
                "address",
                "newGovernor",
                gettext_noop("Makes {newGovernor} the governor of the market {cometProxy}, by {target}."),
                "governor",
                "",
            ),
            (
                "setPauseGuardian",
                "address",
                "newPauseGuardian",
                gettext_noop("Makes {newPauseGuardian} the pause guardian of the market {cometProxy}, by {target}."),
                "pause guardian",
                "",
            ),
            (
                "setBaseTokenPriceFeed",
                "address",
                "newBaseTokenPriceFeed",
                gettext_noop(
                    "Makes {newBaseTokenPriceFeed} the price feed of the base token in the market {cometProxy}, by "
                    "{target}."
                ),
                "price feed",
                "",
            ),
            (
                "setExtensionDelegate",
                "address",
                "newExtensionDelegate",
                gettext_noop(
                    "Makes {newExtensionDelegate} the extension code of the market {cometProxy}, by {target}."
                ),
                "extension code",
                "",
            ),
            (
                "setFactory",
                "address",
                "newFactory",
                gettext_noop("Makes {newFactory} the factory of the code of the market {cometProxy}, by {target}."),
                "factory",
                "",
            ),
            (
                "setSupplyKink",
                "uint64",
                "newSupplyKink",
                gettext_noop("Sets the supply kink of the market {cometProxy} to {newSupplyKink}, by {target}."),
                "supply kink",
                "percent18",
            ),
            (
                "setSupplyPerYearInterestRateSlopeLow",
                "uint64",
                "newSlope",
                gettext_noop(
                    "Sets the yearly supply rate's lower slope in the market {cometProxy} to {newSlope}, by {target}."
                ),
                "supply rate slope low",
                "percent18",
            ),
            (
                "setSupplyPerYearInterestRateSlopeHigh",
                "uint64",
                "newSlope",
                gettext_noop(
                    "Sets the yearly supply rate's upper slope in the market {cometProxy} to {newSlope}, by {target}."
                ),
                "supply rate slope high",
                "percent18",
            ),
            (
                "setSupplyPerYearInterestRateBase",
                "uint64",
                "newBase",
                gettext_noop(
                    "Sets the yearly supply rate's base in the market {cometProxy} to {newBase}, by {target}."
                ),
                "supply rate base",
                "percent18",
            ),
            (
                "setBorrowKink",
                "uint64",
                "newBorrowKink",
                gettext_noop("Sets the borrow kink of the market {cometProxy} to {newBorrowKink}, by {target}."),
                "borrow kink",
                "percent18",
            ),
            (
                "setBorrowPerYearInterestRateSlopeLow",
                "uint64",
                "newSlope",
                gettext_noop(
                    "Sets the yearly borrow rate's lower slope in the market {cometProxy} to {newSlope}, by {target}."
                ),
                "borrow rate slope low",
                "percent18",
            ),
            (
                "setBorrowPerYearInterestRateSlopeHigh",
                "uint64",
                "newSlope",
                gettext_noop(
                    "Sets the yearly borrow rate's upper slope in the market {cometProxy} to {newSlope}, by {target}."
                ),
                "borrow rate slope high",
                "percent18",
            ),
            (
                "setBorrowPerYearInterestRateBase",
                "uint64",
                "newBase",
                gettext_noop(
                    "Sets the yearly borrow rate's base in the market {cometProxy} to {newBase}, by {target}."
                ),
                "borrow rate base",
                "percent18",
            ),
            (
                "setStoreFrontPriceFactor",
                "uint64",
                "newStoreFrontPriceFactor",
                gettext_noop(
                    "Sets the store front price factor of the market {cometProxy} to {newStoreFrontPriceFactor}, by "
                    "{target}."
                ),
                "store front price factor",
                "percent18",
            ),
            (
                "setBaseTrackingSupplySpeed",
                "uint64",
                "newBaseTrackingSupplySpeed",
                gettext_noop(
                    "Sets the rewards of suppliers in the market {cometProxy} to {newBaseTrackingSupplySpeed} units "
                    "of tracking a second, by {target}."
                ),
                "supply reward speed",
                "",
            ),
            (
                "setBaseTrackingBorrowSpeed",
                "uint64",
                "newBaseTrackingBorrowSpeed",
                gettext_noop(
                    "Sets the rewards of borrowers in the market {cometProxy} to {newBaseTrackingBorrowSpeed} units "
                    "of tracking a second, by {target}."
                ),
                "borrow reward speed",
                "",
            ),
            (
                "setBaseMinForRewards",
                "uint104",
                "newBaseMinForRewards",
                gettext_noop(
                    "Sets the least that must be in the market {cometProxy} for rewards to {newBaseMinForRewards} "
                    "base units, by {target}."
                ),
                "minimum for rewards",
                "",
            ),
            (
                "setBaseBorrowMin",
                "uint104",
                "newBaseBorrowMin",
                gettext_noop(
                    "Sets the smallest loan in the market {cometProxy} to {newBaseBorrowMin} base units, by {target}."
                ),
                "smallest loan",
                "",
            ),
            (
                "setTargetReserves",
                "uint104",
                "newTargetReserves",
                gettext_noop(
                    "Sets the target reserves of the market {cometProxy} to {newTargetReserves} base units, by "
                    "{target}."
                ),
                "target reserves",
                "",
            ),
        )
    ),
    *(
        _number(f"{name}(address cometProxy,address asset,{of} {parameter})", says, subject, parameter, form)
        for name, of, parameter, says, subject, form in (
            (
                "updateAssetPriceFeed",
                "address",
                "newPriceFeed",
                gettext_noop("Makes {newPriceFeed} the price feed of {asset} in the market {cometProxy}, by {target}."),
                "price feed",
                "",
            ),
            (
                "updateAssetBorrowCollateralFactor",
                "uint64",
                "newBorrowCF",
                gettext_noop(
                    "Sets the borrow collateral factor of {asset} in the market {cometProxy} to {newBorrowCF}, by "
                    "{target}."
                ),
                "borrow collateral factor",
                "percent18",
            ),
            (
                "updateAssetLiquidateCollateralFactor",
                "uint64",
                "newLiquidateCF",
                gettext_noop(
                    "Sets the liquidation collateral factor of {asset} in the market {cometProxy} to "
                    "{newLiquidateCF}, by {target}."
                ),
                "liquidation collateral factor",
                "percent18",
            ),
            (
                "updateAssetLiquidationFactor",
                "uint64",
                "newLiquidationFactor",
                gettext_noop(
                    "Sets the liquidation factor of {asset} in the market {cometProxy} to {newLiquidationFactor}, by "
                    "{target}."
                ),
                "liquidation factor",
                "percent18",
            ),
        )
    ),
    Meaning(
        "updateAssetSupplyCap(address cometProxy,address asset,uint128 newSupplyCap)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Sets the supply cap of {asset} in the market {cometProxy} to {newSupplyCap}, by {target}."),
        asset="asset",
        amount="newSupplyCap",
        subject="supply cap",
        new_value="newSupplyCap",
        forms={"newSupplyCap": "money"},
    ),
    *(
        Meaning(
            f"{name}(address cometProxy,(address asset,address priceFeed,uint8 decimals,uint64 borrowCollateralFactor,"
            "uint64 liquidateCollateralFactor,uint64 liquidationFactor,uint128 supplyCap) assetConfig)",
            Kind.PARAMETER_CHANGE,
            says,
            asset="asset",
            subject="collateral",
            new_value="asset",
            forms={
                "borrowCollateralFactor": "percent18",
                "liquidateCollateralFactor": "percent18",
                "liquidationFactor": "percent18",
                "supplyCap": "money",
            },
        )
        for name, says in (
            (
                "addAsset",
                gettext_noop(
                    "Adds {asset} as collateral to the market {cometProxy}, by {target}: price feed {priceFeed}, "
                    "borrow factor "
                    "{borrowCollateralFactor}, liquidation at {liquidateCollateralFactor}, liquidation factor "
                    "{liquidationFactor}, at most {supplyCap}."
                ),
            ),
            (
                "updateAsset",
                gettext_noop(
                    "Sets the rules for {asset} in the market {cometProxy}, by {target}: price feed {priceFeed}, "
                    "borrow factor "
                    "{borrowCollateralFactor}, liquidation at {liquidateCollateralFactor}, liquidation factor "
                    "{liquidationFactor}, at most {supplyCap}."
                ),
            ),
        )
    ),
    Meaning(
        "deployAndUpgradeTo(address configuratorProxy,address cometProxy)",
        Kind.UPGRADE,
        gettext_noop(
            "Replaces the code of the market {cometProxy} by new code made from what {configuratorProxy} has set, by "
            "{target}."
        ),
        recipient="cometProxy",
        subject="code",
    ),
    Meaning(
        "transferGovernor(address newGovernor)",
        Kind.ROLE_CHANGE,
        gettext_noop("Makes {newGovernor} the governor of {target}."),
        recipient="newGovernor",
        subject="governor",
    ),
    Meaning(
        "withdrawReserves(address to,uint256 amount)",
        Kind.TRANSFER,
        gettext_noop("Pays {amount} base units of the reserves of {target} to {to}."),
        amount="amount",
        recipient="to",
        sender="target",
    ),
    Meaning(
        "approveThis(address manager,address asset,uint256 amount)",
        Kind.APPROVE,
        gettext_noop("Lets {manager} take {amount} out of what {target} holds."),
        asset="asset",
        amount="amount",
        recipient="manager",
        sender="target",
        forms={"amount": "money"},
    ),
    Meaning(
        "withdrawToken(address token,address to,uint256 amount)",
        Kind.TRANSFER,
        gettext_noop("Pays {amount} out of {target} to {to}."),
        asset="token",
        amount="amount",
        recipient="to",
        sender="target",
        forms={"amount": "money"},
    ),
    Meaning(
        "pause(bool supplyPaused,bool transferPaused,bool withdrawPaused,bool absorbPaused,bool buyPaused)",
        Kind.PAUSE,
        gettext_noop(
            "Sets the pauses of {target}: supplying {supplyPaused}, transfers {transferPaused}, withdrawals "
            "{withdrawPaused}, "
            "liquidations {absorbPaused}, sales of collateral {buyPaused}."
        ),
        subject="pause",
    ),
    Meaning(
        "setRewardConfig(address comet,address token)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Makes {token} the reward token of the market {comet}, by {target}."),
        subject="reward token",
        new_value="token",
    ),
]

_AAVE = [
    *(
        _number(f"{name}(address asset,uint256 {parameter})", says, subject, parameter, form)
        for name, parameter, says, subject, form in (
            (
                "setSupplyCap",
                "newSupplyCap",
                gettext_noop("Sets the supply cap of {asset} in {target} to {newSupplyCap} whole tokens."),
                "supply cap",
                "",
            ),
            (
                "setBorrowCap",
                "newBorrowCap",
                gettext_noop("Sets the borrow cap of {asset} in {target} to {newBorrowCap} whole tokens."),
                "borrow cap",
                "",
            ),
            (
                "setReserveFactor",
                "newReserveFactor",
                gettext_noop("Sets the reserve factor of {asset} in {target} to {newReserveFactor}."),
                "reserve factor",
                "percent4",
            ),
            (
                "setLiquidationProtocolFee",
                "newFee",
                gettext_noop("Sets the protocol's fee on liquidations of {asset} in {target} to {newFee}."),
                "liquidation protocol fee",
                "percent4",
            ),
            (
                "setDebtCeiling",
                "newDebtCeiling",
                gettext_noop("Sets the debt ceiling of {asset} in {target} to {newDebtCeiling} US cents."),
                "debt ceiling",
                "",
            ),
        )
    ),
    Meaning(
        "configureReserveAsCollateral(address asset,uint256 ltv,uint256 liquidationThreshold,uint256 liquidationBonus)",
        Kind.PARAMETER_CHANGE,
        gettext_noop(
            "Sets the rules for {asset} as collateral in {target}: loans up to {ltv}, liquidation from "
            "{liquidationThreshold}, "
            "liquidators get {liquidationBonus} of the debt."
        ),
        subject="collateral",
        new_value="ltv",
        forms={"ltv": "percent4", "liquidationThreshold": "percent4", "liquidationBonus": "percent4"},
    ),
    *(
        _switch(f"{name}(address asset,bool {parameter})", parameter, on, off, subject, kind)
        for name, parameter, on, off, subject, kind in (
            (
                "setReserveBorrowing",
                "enabled",
                gettext_noop("Allows borrowing {asset} in {target}."),
                gettext_noop("Forbids borrowing {asset} in {target}."),
                "borrowing",
                Kind.PARAMETER_CHANGE,
            ),
            (
                "setReserveActive",
                "active",
                gettext_noop("Makes the market of {asset} in {target} active."),
                gettext_noop("Makes the market of {asset} in {target} inactive."),
                "market",
                Kind.PARAMETER_CHANGE,
            ),
            (
                "setReserveFreeze",
                "freeze",
                gettext_noop("Freezes the market of {asset} in {target}: nothing new can be supplied or borrowed."),
                gettext_noop("Ends the freeze of the market of {asset} in {target}."),
                "freeze",
                Kind.PAUSE,
            ),
            (
                "setReservePause",
                "paused",
                gettext_noop("Pauses the market of {asset} in {target}."),
                gettext_noop("Ends the pause of the market of {asset} in {target}."),
                "pause",
                Kind.PAUSE,
            ),
            (
                "setReserveFlashLoaning",
                "enabled",
                gettext_noop("Allows flash loans of {asset} in {target}."),
                gettext_noop("Forbids flash loans of {asset} in {target}."),
                "flash loans",
                Kind.PARAMETER_CHANGE,
            ),
            (
                "setBorrowableInIsolation",
                "borrowable",
                gettext_noop("Allows borrowing {asset} against isolated collateral in {target}."),
                gettext_noop("Forbids borrowing {asset} against isolated collateral in {target}."),
                "isolation mode",
                Kind.PARAMETER_CHANGE,
            ),
        )
    ),
    _switch(
        "setPoolPause(bool paused)",
        "paused",
        gettext_noop("Pauses every market of {target}."),
        gettext_noop("Ends the pause of every market of {target}."),
        "pause",
        Kind.PAUSE,
    ),
    _number(
        "setReserveInterestRateStrategyAddress(address asset,address newRateStrategyAddress)",
        gettext_noop("Makes {newRateStrategyAddress} the interest rate strategy of {asset} in {target}."),
        "interest rate strategy",
        "newRateStrategyAddress",
    ),
    Meaning(
        "setAssetSources(address[] assets,address[] sources)",
        Kind.PARAMETER_CHANGE,
        gettext_noop("Makes {sources} the price source of {assets} in {target}."),
        subject="price source",
        new_value="sources",
        each=("assets", "sources"),
    ),
    *(
        Meaning(f"{name}(address {parameter})", Kind.ROLE_CHANGE, says, recipient=parameter, subject=subject)
        for name, parameter, says, subject in (
            (
                "addPoolAdmin",
                "admin",
                gettext_noop("Makes {admin} a pool admin in {target}: it may change every rule of the pool."),
                "pool admin",
            ),
            ("removePoolAdmin", "admin", gettext_noop("Ends {admin} being a pool admin in {target}."), "pool admin"),
            (
                "addEmergencyAdmin",
                "admin",
                gettext_noop("Makes {admin} an emergency admin in {target}: it may pause the pool."),
                "emergency admin",
            ),
            (
                "removeEmergencyAdmin",
                "admin",
                gettext_noop("Ends {admin} being an emergency admin in {target}."),
                "emergency admin",
            ),
            (
                "addRiskAdmin",
                "admin",
                gettext_noop("Makes {admin} a risk admin in {target}: it may change caps, rates and collateral rules."),
                "risk admin",
            ),
            ("removeRiskAdmin", "admin", gettext_noop("Ends {admin} being a risk admin in {target}."), "risk admin"),
            (
                "addAssetListingAdmin",
                "admin",
                gettext_noop("Makes {admin} an asset listing admin in {target}: it may add markets."),
                "asset listing admin",
            ),
            (
                "removeAssetListingAdmin",
                "admin",
                gettext_noop("Ends {admin} being an asset listing admin in {target}."),
                "asset listing admin",
            ),
            (
                "addFlashBorrower",
                "borrower",
                gettext_noop("Lets {borrower} take flash loans from {target} without a fee."),
                "flash borrower",
            ),
            (
                "removeFlashBorrower",
                "borrower",
                gettext_noop("Ends the right of {borrower} to flash loans from {target} without a fee."),
                "flash borrower",
            ),
        )
    ),
    *(
        Meaning(f"{name}(address {parameter})", Kind.UPGRADE, says, recipient=parameter, subject="code")
        for name, parameter, says in (
            (
                "setPoolImpl",
                "newPoolImpl",
                gettext_noop("Replaces the code of the pool of {target} by that of {newPoolImpl}."),
            ),
            (
                "setPoolConfiguratorImpl",
                "newPoolConfiguratorImpl",
                gettext_noop(
                    "Replaces the code of the pool configurator of {target} by that of {newPoolConfiguratorImpl}."
                ),
            ),
        )
    ),
    Meaning(
        "setAddressAsProxy(bytes32 id,address implementationAddress)",
        Kind.UPGRADE,
        gettext_noop("Replaces the code of the proxy {id} of {target} by that of {implementationAddress}."),
        recipient="implementationAddress",
        subject="code",
        forms={"id": "ascii"},
    ),
    *(
        Meaning(f"{name}(address {parameter})", Kind.ROLE_CHANGE, says, recipient=parameter, subject=subject)
        for name, parameter, says, subject in (
            (
                "setACLAdmin",
                "newAclAdmin",
                gettext_noop("Makes {newAclAdmin} the admin of all roles of {target}."),
                "admin",
            ),
            (
                "setACLManager",
                "newAclManager",
                gettext_noop("Makes {newAclManager} the contract that keeps the roles of {target}."),
                "role manager",
            ),
            (
                "setPriceOracle",
                "newPriceOracle",
                gettext_noop("Makes {newPriceOracle} the price oracle of {target}."),
                "price oracle",
            ),
        )
        if name != "setPriceOracle"  # ENS has it
    ),
    # The collector: the treasury of an Aave market.
    Meaning(
        "transfer(address token,address recipient,uint256 amount)",
        Kind.TRANSFER,
        gettext_noop("Pays {amount} out of {target} to {recipient}."),
        asset="token",
        amount="amount",
        recipient="recipient",
        sender="target",
        forms={"amount": "money"},
    ),
    Meaning(
        "approve(address token,address recipient,uint256 amount)",
        Kind.APPROVE,
        gettext_noop("Lets {recipient} take {amount} out of what {target} holds."),
        asset="token",
        amount="amount",
        recipient="recipient",
        sender="target",
        forms={"amount": "money"},
        cases=(
            Case(
                "amount", 0, gettext_noop("Lets {recipient} take no more {token} out of what {target} holds."), moves=""
            ),
        ),
    ),
    Meaning(
        "transfer(address collector,address token,address recipient,uint256 amount)",
        Kind.TRANSFER,
        gettext_noop("Pays {amount} out of {collector} to {recipient}, by {target}."),
        asset="token",
        amount="amount",
        recipient="recipient",
        sender="collector",
        forms={"amount": "money"},
    ),
    Meaning(
        "approve(address collector,address token,address recipient,uint256 amount)",
        Kind.APPROVE,
        gettext_noop("Lets {recipient} take {amount} out of what {collector} holds, by {target}."),
        asset="token",
        amount="amount",
        recipient="recipient",
        sender="collector",
        forms={"amount": "money"},
    ),
    # The pool.
    *(
        Meaning(
            f"{name}(address asset,uint256 amount,address onBehalfOf,uint16 referralCode)",
            Kind.TRANSFER,
            says,
            asset="asset",
            amount="amount",
            recipient="target",
            subject="deposit",
            new_value="onBehalfOf",
            forms={"amount": "money"},
        )
        for name, says in (
            ("supply", gettext_noop("Puts {amount} into {target}, to be held for {onBehalfOf}.")),
            ("deposit", gettext_noop("Deposits {amount} in {target}, to be held for {onBehalfOf}.")),
        )
    ),
    Meaning(
        "withdraw(address asset,uint256 amount,address to)",
        Kind.TRANSFER,
        gettext_noop("Takes {amount} out of {target}, for {to}."),
        asset="asset",
        amount="amount",
        recipient="to",
        sender="target",
        forms={"amount": "money"},
    ),
    Meaning(
        "borrow(address asset,uint256 amount,uint256 interestRateMode,uint16 referralCode,address onBehalfOf)",
        Kind.TRANSFER,
        gettext_noop("Borrows {amount} from {target}, as a debt of {onBehalfOf}."),
        asset="asset",
        amount="amount",
        sender="target",
        subject="debt",
        new_value="onBehalfOf",
        forms={"amount": "money"},
    ),
    Meaning(
        "repay(address asset,uint256 amount,uint256 interestRateMode,address onBehalfOf)",
        Kind.TRANSFER,
        gettext_noop("Repays {amount} to {target}, for the debt of {onBehalfOf}."),
        asset="asset",
        amount="amount",
        recipient="target",
        subject="debt",
        new_value="onBehalfOf",
        forms={"amount": "money"},
    ),
    Meaning(
        "setEmissionPerSecond(address asset,address[] rewards,uint88[] newEmissionsPerSecond)",
        Kind.PARAMETER_CHANGE,
        gettext_noop(
            "Sets the rewards for {asset} in {target} to {newEmissionsPerSecond} base units of {rewards} a second."
        ),
        subject="rewards",
        new_value="newEmissionsPerSecond",
        each=("rewards", "newEmissionsPerSecond"),
        moves="money",
    ),
]

ROWS = [*_COMPOUND_2, *_COMPOUND_3, *_AAVE]
