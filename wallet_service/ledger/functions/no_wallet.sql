-- no_wallet: the answer to a call whose wallet was not found: is it the player that is unknown, or the wallet?
--
-- Inputs   as refuse; p_currency is the currency asked for, NULL where the call named none.
-- Locks    none of its own.
-- Outcome  player_unknown (not remembered: anyone can invent names), or wallet_unknown.
-- Races    a wallet opened meanwhile is found by the resend.
CREATE OR REPLACE FUNCTION no_wallet(
    p_user_id text, p_call text, p_reference text, p_currency text, p_round_id text, p_stated numeric, p_sent json
) RETURNS receipt LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF EXISTS (SELECT FROM players WHERE user_id = p_user_id) THEN
        RETURN refuse(
            p_user_id, p_call, p_reference, 'wallet_unknown', p_currency, NULL, p_round_id, p_stated, p_sent
        );
    END IF;
    RETURN ROW('player_unknown', NULL, NULL, NULL)::receipt;
END
$$;
