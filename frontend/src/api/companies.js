import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useLastError } from '../lib/useLastError.js';
import { get, patch, post, remove } from './client.js';

/**
 * @typedef {import('./schema').components['schemas']['Listing']} LastListing
 * @typedef {import('./schema').components['schemas']['Company']} Company
 * @typedef {import('./schema').components['schemas']['ImportResult']} Imported
 * @typedef {import('./schema').components['schemas']['ImportedCompany']} ImportedCompany
 * @typedef {Omit<ImportedCompany, 'source'> & {source: string}} NewCompany whether the system is one is for the server
 *   to say
 */

const ROOT = '/api/ingestion';
const COMPANIES = ['companies'];
const RETRY_MS = 4000;

/** Where the browser downloads the list from. */
export const EXPORT_ADDRESS = `${ROOT}/companies/export`;

/** One's companies, by name; another tab may change them. */
export function useCompanies() {
  const query = useQuery({
    queryKey: COMPANIES,
    /** @returns {Promise<Company[]>} */
    queryFn: async ({ signal }) => (await get(`${ROOT}/companies`, signal)).companies,
    refetchInterval: ({ state }) => (state.status === 'error' ? RETRY_MS : false),
  });
  return { companies: query.data, error: useLastError(query) };
}

/**
 * Adds a company.
 * @param {(company: Company) => void} onAdded told when it is in the list, even if nobody waits for it any more
 */
export function useAddCompany(onAdded) {
  return useListChange((/** @type {NewCompany} */ company) => post(`${ROOT}/companies`, company), onAdded);
}

/**
 * Adds and changes many, all or none; the answer says how many.
 * @param {(imported: Imported) => void} onImported told when they are in the list
 */
export function useImportCompanies(onImported) {
  return useListChange(
    (/** @type {NewCompany[]} */ companies) => post(`${ROOT}/companies/import`, { companies }),
    onImported,
  );
}

/**
 * Takes a company off the list.
 * @param {(company: Company) => void} onRemoved
 */
export function useRemoveCompany(onRemoved) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (/** @type {Company} */ { company_id }) => remove(`${ROOT}/companies/${company_id}`),
    onSuccess: async (_nothing, company) => {
      await client.cancelQueries({ queryKey: COMPANIES });
      client.setQueryData(COMPANIES, (/** @type {Company[] | undefined} */ known) =>
        known?.filter(({ company_id }) => company_id !== company.company_id),
      );
      onRemoved(company);
    },
    onSettled: () => void client.invalidateQueries({ queryKey: COMPANIES }),
  });
}

/**
 * What is to be changed, as it was last `seen`; a switch is flipped on what the list says when its turn has come. Who
 * `sent` it may want to know what that was.
 * @typedef {{id: number, name: string, changes: Partial<Company>, seen?: string,
 *   sent?: import('../lib/editors.js').Texts}} Change
 */

/**
 * Changes a company. The list shows the change at once, and takes it back if it is refused; changes reach the server in
 * the order they were made in. If somebody else has changed the company, it is refused, and the list has the company as it
 * is.
 * @param {(company: Company, change: Change) => void} [onChanged] told even if nobody waits for it any more
 */
export function useChangeCompany(onChanged) {
  const client = useQueryClient();
  const seenOf = (id) =>
    /** @type {Company[] | undefined} */ (client.getQueryData(COMPANIES))?.find(
      ({ company_id }) => company_id === id,
    )?.updated_at;
  const put = (id, changes) =>
    client.setQueryData(COMPANIES, (/** @type {Company[] | undefined} */ known) =>
      known?.map((each) => (each.company_id === id ? { ...each, ...changes } : each)),
    );
  // What a switch that was flipped twice is to be is not what the answer to the first says.
  const isLast = (id) =>
    client.isMutating({
      mutationKey: COMPANIES,
      predicate: ({ state }) => /** @type {any} */ (state.variables)?.id === id,
    }) === 1;
  return useMutation({
    mutationKey: COMPANIES,
    scope: { id: 'companies' },
    /** @param {Change} change @returns {Promise<Company>} */
    mutationFn: ({ id, changes, seen = seenOf(id) }) =>
      patch(`${ROOT}/companies/${id}`, { ...changes, updated_at: seen }),
    onMutate: async ({ id, changes }) => {
      await client.cancelQueries({ queryKey: COMPANIES });
      const { enabled } = changes;
      if (enabled !== undefined) {
        put(id, { enabled });
      }
    },
    onSuccess: (company, change) => {
      const { enabled, ...others } = company;
      put(change.id, isLast(change.id) ? { enabled, ...others } : others);
      onChanged?.(company, change);
    },
    onError: ({ problem }, { id, changes: { enabled } }) => {
      if (problem?.company) {
        put(id, problem.company);
      } else if (enabled !== undefined) {
        put(id, { enabled: !enabled });
      }
      void client.invalidateQueries({ queryKey: COMPANIES });
    },
  });
}

/**
 * A change after which the list is another one; it is under way until that one is there.
 * @template Given
 * @param {(given: Given) => Promise<any>} mutationFn
 * @param {(answer: any) => void} onDone
 */
function useListChange(mutationFn, onDone) {
  const client = useQueryClient();
  const look = () => client.invalidateQueries({ queryKey: COMPANIES });
  return useMutation({
    mutationFn,
    onSuccess: async (answer) => {
      await look();
      onDone(answer);
    },
    onError: () => void look(),
  });
}
