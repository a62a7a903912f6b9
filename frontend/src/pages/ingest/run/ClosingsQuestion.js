import { useEffect, useRef } from 'react';
import { useAnswerClosings } from '../../../api/runCompanies.js';
import Banner from '../../../components/Banner.js';
import {
  closingsError,
  closingsOutcome,
  closingsQuestion,
  runCompanyMessages,
} from '../../../messages/runCompanies.js';
import './ClosingsQuestion.css';

/**
 * The question about unusually many closings, with two equal answers, or its outcome.
 * @param {{runId: number, isActive: boolean, closings: import('../../../api/runs.js').Closings}} props
 */
export default function ClosingsQuestion({ runId, isActive, closings }) {
  const answer = useAnswerClosings(runId);
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  const { title, text, expire, keep } = closingsQuestion(closings);
  const isAsked = closings.state === 'asked';
  useEffect(() => {
    // The buttons are removed with the answer; the heading takes their focus.
    if (!isAsked && answer.isSuccess) {
      heading.current?.focus();
    }
  }, [isAsked, answer.isSuccess]);
  const send = (isGone) => !answer.isPending && answer.mutate(isGone);
  return (
    <section className={`cq-question cq-question--${closings.state}`} aria-labelledby="cq-title">
      <h2 id="cq-title" className="cq-title" tabIndex={-1} ref={heading}>
        {title}
      </h2>
      <p role="status">
        {isAsked ? text : closingsOutcome(closings)}
        {isAsked && isActive && ` ${runCompanyMessages.answerLater}`}
      </p>
      {answer.error && (
        <Banner tone="danger" role="alert" onDismiss={answer.reset}>
          {closingsError(answer.error)}
        </Banner>
      )}
      {isAsked && !isActive && (
        <div className="cq-answers">
          <button
            type="button"
            className="button"
            aria-disabled={answer.isPending}
            onClick={() => send(true)}
          >
            {expire}
          </button>
          <button
            type="button"
            className="button"
            aria-disabled={answer.isPending}
            onClick={() => send(false)}
          >
            {keep}
          </button>
        </div>
      )}
    </section>
  );
}
