// SPDX-License-Identifier: Apache-2.0
// The wallet's sentences in German, by the glossary at the top of webapp/locale/de.po. The compiler holds it complete.

import { ended, type Words } from "./words";

export const german: Words = {
  // the wallet's corner
  wallet: "Wallet",
  browserWallet: "Browser-Wallet",
  testWallet: (person) => `${person} (Test-Wallet)`,
  itsChain: "ihrer Chain",
  change: "Wechseln",
  connect: "Verbinden",
  switchNetwork: "Netzwerk wechseln",
  noWallet: "In diesem Browser wurde keine Wallet gefunden",

  // what an account may do
  connectFirst: "Verbinden Sie zuerst eine Wallet",
  connectFirstToAct: "Verbinden Sie zuerst eine Wallet.",
  readingYou: "Es wird gelesen, was Sie haben und getan haben …",
  powerIsRead: "Ihre Stimmkraft wird gelesen",
  readingPower: "Ihre Stimmkraft wird von der Chain gelesen …",
  powerUnknown: "Ihre Stimmkraft ist nicht bekannt.",
  mayVote: "Sie dürfen abstimmen: Ihre Wallet probiert die Stimme zuerst.",
  onlyTheOperator: "Nicht von diesem Konto: nur der Operator darf genehmigen.",
  onlyTheOperatorSigns: "Nicht von diesem Konto: nur die eigene Signatur des Operators zählt.",
  deniedTo: (why) => `Nicht von diesem Konto: ${why}.`,

  // with whom the account's tokens vote
  readingDelegation: "Ihre Token werden von der Chain gelesen …",
  delegationUnknown:
    "Das Stimmtoken sagt Ihrer Wallet nicht, mit wem Sie abstimmen. Sie dürfen trotzdem eine Delegation senden.",
  holdsAndNobody: (tokens) => `Sie halten ${tokens} und haben an niemanden delegiert: sie zählen in keiner neuen Abstimmung.`,
  oneDelegate:
    "delegates() dieses Tokens antwortet für Ihr Konto mit einer Adresse. Diese Seite kennt keinen Weg, Ihre Stimmen auf mehrere aufzuteilen; ob es anderswo einen gibt, ist hier nicht bekannt.",
  splitsElsewhere:
    "Dieses Token lässt ein Konto seine Stimmen auf mehrere Delegierte aufteilen. Diese Seite kann das nicht: was Sie hier senden, gibt sie alle einem.",
  splitsHere: "Dieses Token lässt ein Konto seine Stimmen auf mehrere Delegierte aufteilen: das wird unten angeboten.",
  holdsInParts: (tokens) => `Sie delegieren Ihre ${tokens} in Teilen:`,
  holdsNothingInParts: "Was es später bekommt, würde in Teilen delegiert:",
  partTo: (share, name) => `${share} an ${name}`,
  partToNobody: (share) => `${share} an niemanden: das zählt in keiner neuen Abstimmung.`,
  partsSum: (share, rest) => `Insgesamt ${share}. ${rest} gingen an niemanden und würden in keiner neuen Abstimmung zählen.`,
  partsWhole: (share) => `Insgesamt ${share}.`,
  partNeedsAddress: (row) => `Konto ${row}: schreiben Sie zuerst eine Adresse: 0x und 40 hexadezimale Ziffern, ohne eine vertippte.`,
  partNeedsPercent: (row) =>
    `Konto ${row}: schreiben Sie einen Anteil über 0 und bis 100 Prozent, mit Punkt und höchstens zwei Stellen dahinter, etwa 33.33.`,
  partTwice: (row) => `Konto ${row} steht zweimal da.`,
  partsTooMuch: (share) => `Diese Anteile ergeben ${share}, also mehr als alle Ihre Stimmen.`,
  partsTooMany: (most) => `Das sind zu viele Konten: höchstens ${most} hier.`,
  delegateNow: "Delegieren Sie jetzt, an sich selbst oder an jemand anderen, für die nächste Abstimmung.",
  holdsAndSelf: (tokens) => `Ihre ${tokens} stimmen mit Ihnen ab.`,
  holdsAndOther: (tokens, name) => `Ihre ${tokens} stimmen mit ${name} ab.`,
  holdsNothing: "Dieses Konto hält jetzt keine Token dieser DAO.",
  holdsNothingButMay: (name) => `Was es später bekommt, würde mit ${name} abstimmen.`,
  holdsNothingAndNobody: "Was es später bekommt, würde in keiner neuen Abstimmung zählen, außer Sie delegieren.",
  nobody: "niemandem",
  thousands: ".",
  decimals: ",",
  yourself: "Ihnen",
  namedAddress: (name, short) => `${name} (${short})`,
  noAddress: "Schreiben Sie zuerst eine Adresse: 0x und 40 hexadezimale Ziffern, ohne eine vertippte.",
  alreadySo: "Ihre Token stimmen schon so ab. Es wurde nichts gesendet.",
  delegated: "Erledigt: dies zählt vom nächsten Snapshot an.",
  noSignedDelegations:
    "Dieses Stimmtoken sagt nicht, wie eine Delegation signiert wird: senden Sie eine Transaktion. Es wurde nichts signiert.",
  otherTokenDomain: "Die Signaturdomäne des Stimmtokens nennt eine andere Chain oder einen anderen Contract. Es wurde nichts signiert.",

  // doing something
  ofAccount: (account, text) => `${account}: ${text}`,
  waitingForWallet: "Es wird auf Ihre Wallet gewartet …",
  waitingForSignature: "Es wird auf Ihre Signatur gewartet …",
  waitingToSignIn: "Es wird auf Ihre Signatur zum Anmelden gewartet …",
  // EIP-4361 allows ASCII alone here.
  signIn: "Bei Mandate anmelden. Das kostet nichts und sendet nichts.",
  sent: (hash) => `Gesendet: ${hash}. Es wird auf einen Block gewartet …`,
  signed: "Signiert. Es wird dem Relayer übergeben …",
  relayed: (hash) => `Der Relayer hat es gesendet: ${hash}. Es wird auf einen Block gewartet …`,
  voted: "Abgestimmt.",
  done: "Erledigt.",
  mined: (block) => `In Block ${block} aufgenommen; die Seite folgt gleich.`,
  minedNotRead: (block) => `In Block ${block} aufgenommen. Der Spiegel hat ihn noch nicht gelesen; laden Sie später neu.`,
  asked: (request) => `Angefragt: Anfrage ${request}. Die Seite folgt gleich.`,
  approved: "Genehmigt. Die Seite folgt gleich.",
  published: "Veröffentlicht. Die Seite folgt gleich.",
  notYourPage: "Diese Seite handelt von einem anderen Konto als dem verbundenen. Es wurde nichts signiert.",
  otherText: "Diese Website hat um eine Signatur über einen anderen Text gebeten. Es wurde nichts signiert.",
  noReasonInBallot: "Ein signierter Stimmzettel trägt keine Begründung: stimmen Sie per Transaktion ab, oder entfernen Sie die Begründung.",

  // the wallet and its network
  noAccount: "Die Wallet hat kein Konto gegeben.",
  noAccountAnyMore: "Ihre Wallet gibt dieser Website kein Konto mehr. Verbinden Sie noch einmal.",
  changedToUnknown: "Ihre Wallet hat gewechselt und sagt nicht, wohin. Verbinden Sie noch einmal.",
  connectionLost: "Ihre Wallet hat die Verbindung zum Netzwerk verloren. Verbinden Sie noch einmal.",
  changedTo: (account) => `Ihre Wallet hat zu ${account} gewechselt. Diese Seite folgt.`,
  notConnected: "Ihre Wallet ist nicht mehr mit dieser Seite verbunden.",
  onAnotherAccount: (now, shown) => `Ihre Wallet ist jetzt bei ${now}; diese Seite zeigte ${shown}.`,
  changedMeanwhile: "Ihre Wallet hat gewechselt, während Sie gefragt wurden.",
  nothingSentLookAgain: "Es wurde nichts gesendet. Sehen Sie diese Seite noch einmal an, dann wiederholen Sie es.",
  wrongNetwork: (wallet, name, chain) =>
    `Ihre Wallet ist in einem anderen Netzwerk (Chain ${wallet}): diese DAO lebt auf ${name} (Chain ${chain}).`,
  networkKept: (wallet, name, chain) =>
    `Ihre Wallet ist im falschen Netzwerk: diese DAO lebt auf ${name} (Chain ${chain}), die Wallet ist auf Chain ${wallet}, und Sie haben sie dort gelassen. Es wurde nichts gesendet.`,
  networkUnknown: (wallet, name, chain) =>
    `Ihre Wallet ist im falschen Netzwerk: diese DAO lebt auf ${name} (Chain ${chain}), die Wallet ist auf Chain ${wallet} und kennt diese nicht: fügen Sie sie in der Wallet hinzu. Es wurde nichts gesendet.`,
  networkNotSwitched: (wallet, name, chain) =>
    `Ihre Wallet ist im falschen Netzwerk: diese DAO lebt auf ${name} (Chain ${chain}), die Wallet ist auf Chain ${wallet} und konnte nicht umgeschaltet werden. Es wurde nichts gesendet.`,
  stillWrongNetwork: (name, chain) =>
    `Ihre Wallet ist noch im falschen Netzwerk: diese DAO lebt auf ${name} (Chain ${chain}). Es wurde nichts gesendet.`,
  networkNotSaid: "Ihre Wallet sagt nicht, in welchem Netzwerk sie ist. Es wurde nichts gesendet.",

  // what wallets answer
  rejected: "Sie haben dies in Ihrer Wallet abgelehnt. Es wurde nichts gesendet.",
  walletErrors: {
    4100: "Ihre Wallet lässt diese Website dieses Konto nicht benutzen.",
    4200: "Ihre Wallet kann das nicht.",
    4900: "Ihre Wallet hat die Verbindung zum Netzwerk verloren.",
    4901: "Ihre Wallet ist nicht mit dem Netzwerk dieser DAO verbunden.",
    4902: "Ihre Wallet kennt das Netzwerk dieser DAO nicht: fügen Sie es in der Wallet hinzu.",
    [-32002]: "Ihre Wallet wartet noch auf Ihre Antwort auf eine frühere Anfrage: öffnen Sie sie.",
  },
  walletFailed: "Ihre Wallet ist gescheitert und hat nicht gesagt, warum.",
  walletAnswered: (said) => ended(`Ihre Wallet hat geantwortet: ${said}`),
  failed: (said) => ended(`Das hat nicht geklappt: ${said}`),
  noTransaction: "Ihre Wallet hat keine Transaktion genannt.",
  lookFirst: "Sehen Sie in Ihrer Wallet nach, ob es gesendet wurde, bevor Sie es noch einmal versuchen.",
  noSignature: "Ihre Wallet hat keine Signatur gegeben. Es wurde nichts gesendet.",
  signedByAnother: (signer, shown) =>
    `Ihre Wallet hat mit ${signer} signiert, nicht mit ${shown}, das diese Seite zeigt. Die Signatur wird nicht benutzt, und es wurde nichts gesendet.`,
  signedByNoKey: "Ihre Wallet hat mit keinem Schlüssel signiert. Die Signatur wird nicht benutzt, und es wurde nichts gesendet.",
  notSeenMined: (hash) =>
    `Gesendet als ${hash}, aber diese Seite konnte es in keinem Block sehen. Suchen Sie danach, bevor Sie es noch einmal versuchen.`,
  minedElsewhere: (hash, wallet, name, chain) =>
    `Ihre Wallet sagt, dass ${hash} in einen Block aufgenommen wurde, aber sie ist jetzt in einem anderen Netzwerk (Chain ${wallet}). Also ist nicht bekannt, ob dies auf ${name} (Chain ${chain}) gesendet wurde. Suchen Sie danach, bevor Sie es noch einmal versuchen.`,
  minedNobodyKnowsWhere: (hash, name, chain) =>
    `Ihre Wallet sagt, dass ${hash} in einen Block aufgenommen wurde, aber sie sagt nicht, in welchem Netzwerk. Also ist nicht bekannt, ob dies auf ${name} (Chain ${chain}) gesendet wurde. Suchen Sie danach, bevor Sie es noch einmal versuchen.`,
  minedFromAnother: (block, from, sender, hash) =>
    `In Block ${block} aufgenommen, aber Ihre Wallet hat es von ${from} gesendet, nicht von ${sender}, das diese Seite zeigte: ${hash}`,
  minedAndRefused: (block, hash) => `In Block ${block} aufgenommen, aber die Chain hat es verweigert: ${hash}`,

  // what the chain answers
  chainWouldRefuse: (why) => `Die Chain würde dies verweigern: ${why}.`,
  refusals: {
    GovernorUnexpectedProposalState: "der Vorschlag ist jetzt in keinem Zustand, der das erlaubt",
    GovernorAlreadyCastVote: "dieses Konto hat schon abgestimmt",
    GovernorInsufficientProposerVotes: "es hat weniger Stimmen, als ein Vorschlag braucht",
    GovernorRestrictedProposer: "der Text nennt ein anderes Konto als das, das ihn vorschlagen darf",
    GovernorUnableToCancel: "nur wer ihn vorgeschlagen hat, darf ihn abbrechen, und nur bevor die Abstimmung beginnt",
    GovernorInvalidSignature: "die Signatur passt nicht",
    TimelockUnexpectedOperationState: "der Timelock ist noch nicht abgelaufen, oder dies wurde schon getan",
    NotOwner: "nur der Eigentümer (eine Abstimmung) darf dies tun",
    NotGuardian: "nur der Wächter oder der Eigentümer darf dies tun",
    NotPending: "die Handlung wartet nicht mehr",
    NotYet: "die Einspruchsfrist ist noch nicht vorbei",
    Expired: "die Zeit, sie freizugeben, ist vorbei",
    Voided: "die Handlung wurde hinfällig: die Richtlinie hat sich geändert, oder alles wurde pausiert",
    AlreadyObjected: "dieses Konto hat schon Einspruch eingelegt",
    NoPower: "dieses Konto hat keine Stimmkraft, die für diese Handlung zählt",
    NotPaused: "das Richtlinienmodul ist nicht pausiert",
    IsPaused: "das Richtlinienmodul ist pausiert",
  },
  unknownError: (selector) => `Fehler ${selector}`,
  worthless: "Diese Stimme würde 0 zählen: Ihr Konto hatte zum Snapshot keine Stimmkraft. Es wurde nichts gesendet.",
  otherDomain: "Die Signaturdomäne des Governors nennt eine andere Chain oder einen anderen Contract. Es wurde nichts signiert.",

  // what this site answers
  signedInAnother: (address, account) => `Diese Website hat ${address} angemeldet, nicht ${account}. Sonst wurde nichts gesendet.`,
  unreachable: "Diese Website war nicht erreichbar. Versuchen Sie es gleich noch einmal.",
  unreachableAfterSending:
    "Diese Website war nicht erreichbar, also ist nicht bekannt, ob dies bei ihr ankam. Laden Sie die Seite neu, bevor Sie es noch einmal versuchen.",
  statusNoAnswer: (status) => `Diese Website hat mit Status ${status} geantwortet. Versuchen Sie es noch einmal.`,
  status: (status) => `Diese Website hat mit Status ${status} geantwortet.`,
  testWalletLocalOnly: "Die Test-Wallet gibt es nur auf der lokalen Chain.",
  testWalletUnreachable: "Die Test-Wallet gehört zu dieser Website, die nicht erreichbar war.",
  testWalletRefused: (status) => `Die Test-Wallet wurde verweigert (${status}). Laden Sie die Seite neu.`,
};
