import { saleChange, showWorkflowInput, type SaleLimits } from '../../contracts/show-start.ts';
import { ShowNotRunningError, type WorkflowClient } from '../../contracts/workflow-client.ts';
import type { SeatCommand, SeatCommandResult } from '../../domain/seat-commands.ts';
import type { Show } from '../../read-model/shows.ts';
import type { SaleCatalogue } from '../catalogue/sale-catalogue.ts';

/** Seat commands to shows whose workflow may not have been started yet. */
export class ShowCommands {
  readonly #workflows: WorkflowClient;
  readonly #catalogue: SaleCatalogue;
  readonly #limits: SaleLimits;
  readonly #nowMs: () => number;

  constructor(workflows: WorkflowClient, catalogue: SaleCatalogue, limits: SaleLimits, nowMs: () => number) {
    this.#workflows = workflows;
    this.#catalogue = catalogue;
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  /**
   * A show whose maker died between its row and its workflow is started here, by the first who needs it. One that has
   * sold, or is over, is never started anew: its workflow ended, and knew more than an empty house.
   * @throws ShowNotRunningError and the other errors of WorkflowClient
   */
  async send(show: Show, command: SeatCommand): Promise<SeatCommandResult> {
    const nowMs = this.#nowMs();
    if (nowMs >= show.endsAtMs) throw new ShowNotRunningError(`show ${show.id} is over`);
    try {
      return await this.#workflows.seatCommand(show.id, command);
    } catch (error) {
      const isOnSale = nowMs < show.salesCloseAtMs && show.status !== 'CANCELLED';
      if (!(error instanceof ShowNotRunningError) || !mayBeUnstarted(show) || !isOnSale) throw error;
    }
    await this.start(show);
    return this.#workflows.seatCommand(show.id, command);
  }

  /** For who will send commands without this process. One that was sold from runs, or has ended; one that is over needs no start. */
  async startUnlessSold(show: Show): Promise<void> {
    if (mayBeUnstarted(show) && this.#nowMs() < show.endsAtMs) await this.start(show);
  }

  /**
   * Has the show's workflow go by what staff has decided. One that was never started is started with it: whoever would
   * start it by what was known before finds it running.
   */
  async tellOfChange(show: Show): Promise<void> {
    if (this.#nowMs() >= show.endsAtMs) return;
    try {
      await this.#workflows.changeSale(show.id, saleChange(show));
    } catch (error) {
      if (!(error instanceof ShowNotRunningError) || !mayBeUnstarted(show)) throw error;
      await this.start(show);
      await this.#workflows.changeSale(show.id, saleChange(show));
    }
  }

  /** Starts the show's workflow; one that runs, or has ended, is left as it is. */
  async start(show: Show): Promise<void> {
    const { layout } = await this.#catalogue.planOf(show);
    await this.#workflows.startShow(showWorkflowInput(show, layout, this.#limits));
  }
}

const mayBeUnstarted = ({ availability }: Show): boolean => availability.asOfVersion === 0;
