/** Answers about runs and jobs, in addition to those of schema.d.ts. */

import type { components } from './schema';

type RunStart = components['schemas']['Run'];

/** The question about unusually many closings. */
export interface Closings {
  state: 'asked' | 'answered' | 'superseded';
  count: number;
  open: number;
  expire: boolean | null;
  expired: number | null;
  answered_at: string | null;
}

/** A run with the counts of its companies and jobs. */
export interface Run extends RunStart {
  revision: number;
  retry_of: number | null;
  deadline_at: string | null;
  companies_total: number;
  companies_waiting: number;
  companies_reading: number;
  companies_read: number;
  companies_taken_in: number;
  companies_failed: number;
  jobs_new: number;
  jobs_changed: number;
  jobs_reopened: number;
  previewed: number | null;
  note: string | null;
  worker_seen_at: string | null;
  closings: Closings | null;
}

/** A company of a run. */
export interface RunCompany {
  position: number;
  company_id: number;
  source: string;
  source_name: string;
  board: string;
  name: string;
  url: string | null;
  state: 'waiting' | 'reading' | 'read' | 'taken_in' | 'failed';
  outcome: string | null;
  detail: string | null;
  retry_at: string | null;
  listing: 'complete' | 'unchanged' | 'partial' | 'empty' | 'held' | 'failed' | null;
  read_at: string | null;
  found: number | null;
  unparsed: number | null;
  matched: number | null;
  new: number | null;
  changed: number | null;
  reopened: number | null;
  unchanged: number | null;
  expired: number | null;
  failed: number | null;
  held: number | null;
  previewed: number | null;
}

export interface RunCompaniesPage {
  companies: RunCompany[];
  next: string | null;
  revision: number;
}

export interface Salary {
  min: number | null;
  max: number | null;
  currency: string | null;
  interval: string | null;
  text: string | null;
}

export interface Job {
  job_id: number;
  company: string;
  company_name: string | null;
  external_id: string;
  title: string | null;
  locations: string[];
  workplace: string | null;
  employment_type: string | null;
  salary: Salary | null;
  posted_on: string | null;
  found_at: string | null;
  at_least_since: boolean;
  state: 'open' | 'missing' | 'gone' | 'unfollowed';
  missing_since: string | null;
  gone_at: string | null;
  url: string;
  run_id: number | null;
}

export interface JobEvent {
  event_id: number;
  at: string;
  kind: string;
  fields: string[];
  listing_id: number | null;
}

/** A job with its text and its history. */
export interface WholeJob extends Job {
  description: string | null;
  requirements: string | null;
  text: 'ready' | 'pending';
  rule: { kind: string; term: string | null } | null;
  history: JobEvent[];
}

export interface JobsPage {
  jobs: Job[];
  next: string | null;
}
