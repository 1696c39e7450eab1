/** The committed part of an agent's turn log and token file. Digests are SHA-256 in hex over exactly these bytes. */
export interface CommittedLogs {
  readonly turnBytes: number;
  readonly turnDigest: string;
  readonly tokenCount: number;
  readonly tokenDigest: string;
}
