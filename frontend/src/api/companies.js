import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useStickyError } from '../lib/useStickyError.js';
import { get, patch, post, remove } from './client.js';

/**
 * @typedef {import('./schema').components['schemas']['Listing']} LastListing
 * @typedef {import('./schema').components['schemas']['Company']} Company
 * @typedef {import('./schema').components['schemas']['AddedCompany']} AddedCompany
 * @typedef {import('./schema').components['schemas']['ImportResult']} ImportResult
 * @typedef {import('./schema').components['schemas']['ImportedCompany']} ImportedCompany
 * @typedef {Omit<ImportedCompany, 'source'> & {source: string}} NewCompany `source` may be any text; the server checks it
 */

const ROOT = '/api/ingestion';
const RETRY_INTERVAL_MS = 4000;

export const companyKeys = { list: ['companies'] };

/** The download address of the user's companies. */
export const EXPORT_ADDRESS = `${ROOT}/companies/export`;

/** The user's companies. Another tab may change them. */
export function useCompanies() {
  const query = useQuery({
    queryKey: companyKeys.list,
    /** @returns {Promise<Company[]>} */
    queryFn: async ({ signal }) => (await get(`${ROOT}/companies`, signal)).companies,
    refetchInterval: ({ state }) => (state.status === 'error' ? RETRY_INTERVAL_MS : false),
  });
  return { companies: query.data, error: useStickyError(query) };
}

/**
 * Add a company.
 * @param {(company: AddedCompany) => void} onAdded called when the company is in the list, even after the component unmounted
 */
export function useAddCompany(onAdded) {
  return useListMutation((/** @type {NewCompany} */ company) => post(`${ROOT}/companies`, company), onAdded);
}

/**
 * Add and change many companies, all or none.
 * @param {(result: ImportResult) => void} onImported called with the counts when the companies are in the list
 */
export function useImportCompanies(onImported) {
  return useListMutation(
    (/** @type {NewCompany[]} */ companies) => post(`${ROOT}/companies/import`, { companies }),
    onImported,
  );
}

/**
 * Remove a company from the list.
 * @param {(company: Company) => void} onRemoved
 */
export function useRemoveCompany(onRemoved) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (/** @type {Company} */ { company_id }) => remove(`${ROOT}/companies/${company_id}`),
    onSuccess: async (_nothing, company) => {
      await client.cancelQueries({ queryKey: companyKeys.list });
      client.setQueryData(companyKeys.list, (/** @type {Company[] | undefined} */ cached) =>
        cached?.filter(({ company_id }) => company_id !== company.company_id),
      );
      onRemoved(company);
    },
    onSettled: () => void client.invalidateQueries({ queryKey: companyKeys.list }),
  });
}

/**
 * A change of one company. `expectedUpdatedAt` is the version it is based on; without it, the version in the list when
 * the request is sent. `submitted` holds the texts that were sent, for the editor's conflict check.
 * @typedef {{id: number, name: string, changes: Partial<Company>, expectedUpdatedAt?: string,
 *   submitted?: import('../lib/editors.js').Texts}} Change
 */

/**
 * Change a company. The list shows a switch at once and takes it back if the server refuses. Changes reach the server in
 * the order they were made. If somebody else changed the company, the server refuses, and the list shows its answer.
 * @param {(company: Company, change: Change) => void} [onChanged] called even after the component unmounted
 */
export function useUpdateCompany(onChanged) {
  const client = useQueryClient();
  const cachedVersion = (id) =>
    /** @type {Company[] | undefined} */ (client.getQueryData(companyKeys.list))?.find(
      ({ company_id }) => company_id === id,
    )?.updated_at;
  const patchCached = (id, changes) =>
    client.setQueryData(companyKeys.list, (/** @type {Company[] | undefined} */ cached) =>
      cached?.map((company) => (company.company_id === id ? { ...company, ...changes } : company)),
    );
  // After two fast clicks on a switch, the answer to the first does not contain its final position.
  const isLastChange = (id) =>
    client.isMutating({
      mutationKey: companyKeys.list,
      predicate: ({ state }) => /** @type {any} */ (state.variables)?.id === id,
    }) === 1;
  return useMutation({
    mutationKey: companyKeys.list,
    scope: { id: 'companies' },
    /** @param {Change} change @returns {Promise<Company>} */
    mutationFn: ({ id, changes, expectedUpdatedAt = cachedVersion(id) }) =>
      patch(`${ROOT}/companies/${id}`, { ...changes, updated_at: expectedUpdatedAt }),
    onMutate: async ({ id, changes }) => {
      await client.cancelQueries({ queryKey: companyKeys.list });
      const { enabled } = changes;
      if (enabled !== undefined) {
        patchCached(id, { enabled });
      }
    },
    onSuccess: (company, change) => {
      const { enabled, ...others } = company;
      patchCached(change.id, isLastChange(change.id) ? { enabled, ...others } : others);
      onChanged?.(company, change);
    },
    onError: ({ problem }, { id, changes: { enabled } }) => {
      if (problem?.company) {
        patchCached(id, problem.company);
      } else if (enabled !== undefined) {
        patchCached(id, { enabled: !enabled });
      }
      void client.invalidateQueries({ queryKey: companyKeys.list });
    },
  });
}

/**
 * A change of the list. It stays pending until the new list has arrived.
 * @template Variables
 * @param {(variables: Variables) => Promise<any>} mutationFn
 * @param {(answer: any) => void} onDone
 */
function useListMutation(mutationFn, onDone) {
  const client = useQueryClient();
  const refetch = () => client.invalidateQueries({ queryKey: companyKeys.list });
  return useMutation({
    mutationFn,
    onSuccess: async (answer) => {
      await refetch();
      onDone(answer);
    },
    onError: () => void refetch(),
  });
}
